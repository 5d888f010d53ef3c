-- KEYS: pushed request. ARGV: now, client_id.
local found = redis.call('HMGET', KEYS[1], 'client_id', 'expires_at', 'document')
if found[1] ~= ARGV[2] or tonumber(ARGV[1]) >= tonumber(found[2]) then return false end
redis.call('DEL', KEYS[1])
return found[3]
