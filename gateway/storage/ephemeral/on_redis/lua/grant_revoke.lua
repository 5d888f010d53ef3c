-- KEYS: grant. ARGV: now, grant digest, effects.
local found = redis.call('HMGET', KEYS[1], 'session_digest', 'expires_at')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[2]) or not session_lives(found[1], ARGV[1]) then return 0 end
revoke_grant(found[1], ARGV[2])
append(ARGV[3])
return 1
