-- KEYS: code. ARGV: now. Gives {document, spent, session digest, …} and the session's life.
local found = redis.call('HMGET', KEYS[1], 'document', 'spent', 'session_digest', 'kept_until')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[4]) then return false end
return with_life(found, found[3], ARGV[1])
