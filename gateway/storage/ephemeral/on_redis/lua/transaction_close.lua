-- KEYS: transaction. ARGV: now, expected version, effects.
local found = redis.call('HMGET', KEYS[1], 'version', 'expires_at')
if found[1] ~= ARGV[2] or tonumber(ARGV[1]) >= tonumber(found[2]) then return 0 end
redis.call('DEL', KEYS[1])
append(ARGV[3])
return 1
