-- KEYS: transaction. ARGV: now, expected version, new version, expires_at, document, effects.
local found = redis.call('HMGET', KEYS[1], 'version', 'expires_at')
if found[1] ~= ARGV[2] or tonumber(ARGV[1]) >= tonumber(found[2]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'expires_at', ARGV[4], 'document', ARGV[5])
collect_after(KEYS[1], ARGV[1], ARGV[4])
append(ARGV[6])
return 1
