-- KEYS: challenge. ARGV: now, bound_to, expires_at.
redis.call('HSET', KEYS[1], 'bound_to', ARGV[2], 'expires_at', ARGV[3])
collect_after(KEYS[1], ARGV[1], ARGV[3])
return 1
