-- KEYS: outgoing. ARGV: id, instant, effects.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
append(ARGV[3])
return 1
