-- KEYS: grant. ARGV: now. Gives {document, session digest}.
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[3]) or not session_lives(found[2], ARGV[1]) then return false end
return found
