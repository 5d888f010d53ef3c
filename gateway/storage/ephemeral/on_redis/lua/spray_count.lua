-- KEYS: failed identifiers, origin. ARGV: since. Gives how many failed after that.
return redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
