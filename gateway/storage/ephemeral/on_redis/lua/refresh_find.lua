-- KEYS: grant. ARGV: now. Gives {document, session digest, the grant's end, generation, digest, ends_at} and the
-- session's life.
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at', 'refresh_generation', 'refresh_digest',
  'refresh_ends_at')
if not found[4] or tonumber(ARGV[1]) >= tonumber(found[3]) then return false end
return with_life(found, found[2], ARGV[1])
