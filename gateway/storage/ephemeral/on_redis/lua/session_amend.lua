-- KEYS: session. ARGV: now, digest, account_id, expected version, new version, document, idle_seconds, effects.
local found, live = session_of(ARGV[2], ARGV[1])
if not found or not live or found[6] ~= ARGV[3] or found[5] ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[5], 'document', ARGV[6])
if tonumber(ARGV[7]) < tonumber(found[3]) then redis.call('HSET', KEYS[1], 'idle_seconds', ARGV[7]) end
append(ARGV[8])
return 1
