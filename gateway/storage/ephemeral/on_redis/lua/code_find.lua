-- KEYS: code. ARGV: now. Gives {document, spent, session digest}.
local found = redis.call('HMGET', KEYS[1], 'document', 'spent', 'session_digest', 'kept_until')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[4]) or not session_lives(found[3], ARGV[1]) then return false end
return found
