-- KEYS: challenge. ARGV: now. Gives whether there was one.
local kept_until = redis.call('HGET', KEYS[1], 'kept_until')
if not kept_until or tonumber(ARGV[1]) >= tonumber(kept_until) then return 0 end
redis.call('HSET', KEYS[1], 'undelivered', 1)
return 1
