-- KEYS: outgoing. ARGV: id, effects.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', PARTITION .. 'outgoing-items', ARGV[1])
redis.call('HDEL', PARTITION .. 'outgoing-taken', ARGV[1])
append(ARGV[2])
return 1
