-- KEYS: grant. ARGV: now, digest of a jti or ''. Gives {document, session digest, …} and the session's life.
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[3]) then return false end
if ARGV[2] ~= '' and is_silenced(ARGV[2], ARGV[1]) then return false end
return with_life(found, found[2], ARGV[1])
