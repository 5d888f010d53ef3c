-- KEYS: silenced token. ARGV: now, digest of its jti.
return is_silenced(ARGV[2], ARGV[1]) and 1 or 0
