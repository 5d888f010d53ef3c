-- KEYS: grant. ARGV: now, digest of a jti, seconds. As grant_find; the session counts as used now, unless it was used less
-- than so many seconds ago.
local now = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'document', 'session_digest', 'expires_at')
if not found[1] or tonumber(now) >= tonumber(found[3]) or is_silenced(ARGV[2], now) then return false end
local session, live = session_of(found[2], now)
if not live then return false end
if tonumber(now) - tonumber(session[2]) >= tonumber(ARGV[3]) then
  redis.call('HSET', PARTITION .. 'session:' .. found[2], 'last_used_at', now)
end
return with_life(found, found[2], now)
