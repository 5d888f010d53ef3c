-- KEYS: challenge. ARGV: now.
local found = redis.call('HMGET', KEYS[1], 'bound_to', 'expires_at')
redis.call('DEL', KEYS[1])
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[2]) then return false end
return found
