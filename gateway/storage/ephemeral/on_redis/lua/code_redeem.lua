-- KEYS: code, grant. ARGV: now, code digest, grant digest, grant's expires_at, grant's document, effects if redeemed,
-- effects if replayed, and for a refresh token: generation, digest, ends_at.
local now = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'spent', 'session_digest', 'kept_until', 'grant_digest')
if not found[1] or tonumber(now) >= tonumber(found[3]) or not session_lives(found[2], now) then return 'unknown' end
local session_digest, kept_until = found[2], found[3]
if found[1] == '1' then
  revoke_grant(session_digest, found[4])
  append(ARGV[7])
  return 'replayed'
end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'exists' end
if tonumber(ARGV[4]) > tonumber(kept_until) then kept_until = ARGV[4] end
redis.call('HSET', KEYS[1], 'spent', '1', 'grant_digest', ARGV[3], 'kept_until', kept_until)
redis.call('HSET', KEYS[2], 'session_digest', session_digest, 'expires_at', ARGV[4], 'document', ARGV[5])
if ARGV[8] then
  redis.call('HSET', KEYS[2], 'refresh_generation', ARGV[8], 'refresh_digest', ARGV[9], 'refresh_ends_at', ARGV[10])
end
collect_after(KEYS[1], now, kept_until)
collect_after(KEYS[2], now, ARGV[4])
hold(session_digest, 'code:' .. ARGV[2], kept_until, now)
hold(session_digest, 'grant:' .. ARGV[3], ARGV[4], now)
append(ARGV[6])
return 'redeemed'
