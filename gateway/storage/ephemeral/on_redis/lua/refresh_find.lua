-- KEYS: grant. ARGV: now. Gives {document, session digest, the grant's end, generation, digest, ends_at}.
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at', 'refresh_generation', 'refresh_digest',
  'refresh_ends_at')
if not found[4] or tonumber(ARGV[1]) >= tonumber(found[3]) or not session_lives(found[2], ARGV[1]) then return false end
return found
