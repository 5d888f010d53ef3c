-- KEYS: window. ARGV: now, ends_at of a window that would open now. Gives the count, this event included.
local found = redis.call('HMGET', KEYS[1], 'counted', 'ends_at')
if found[1] and tonumber(ARGV[1]) < tonumber(found[2]) then return redis.call('HINCRBY', KEYS[1], 'counted', 1) end
redis.call('HSET', KEYS[1], 'counted', 1, 'ends_at', ARGV[2])
collect_after(KEYS[1], ARGV[1], ARGV[2])
return 1
