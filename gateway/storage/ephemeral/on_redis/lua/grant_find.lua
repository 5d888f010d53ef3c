-- KEYS: grant. ARGV: now, digest of a jti or ''. Gives {document, session digest}.
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[3]) or not session_lives(found[2], ARGV[1]) then return false end
if ARGV[2] ~= '' and is_silenced(ARGV[2], ARGV[1]) then return false end
return found
