-- KEYS: grant. ARGV: now, grant digest, presented generation, presented digest, successor's generation, digest and ends_at,
-- by, answer, grace seconds, effects if rotated, effects if reused. Gives {what happened, the answer kept}, and the session's
-- life for whoever gets an answer.
local now = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'session_digest', 'expires_at', 'refresh_generation', 'refresh_digest',
  'refresh_ends_at', 'spent_digest', 'spent_at', 'spent_by', 'spent_answer')
if not found[3] or tonumber(now) >= tonumber(found[2]) then return {'unknown', ''} end
local session, lives = session_of(found[1], now)
if not lives then return {'unknown', ''} end
local generation, presented = tonumber(found[3]), tonumber(ARGV[3])
if presented == generation and ARGV[4] == found[4] then
  if tonumber(now) >= tonumber(found[5]) then return {'unknown', ''} end
  redis.call('HSET', KEYS[1], 'refresh_generation', ARGV[5], 'refresh_digest', ARGV[6], 'refresh_ends_at', ARGV[7])
  if ARGV[5] ~= ARGV[3] then
    redis.call('HSET', KEYS[1], 'spent_digest', ARGV[4], 'spent_at', now, 'spent_by', ARGV[8], 'spent_answer', ARGV[9])
  end
  append(ARGV[11])
  return {'rotated', '', session[2], session[3], session[4]}
end
if presented == generation - 1 and ARGV[4] == found[6] and ARGV[8] == found[8]
  and tonumber(now) - tonumber(found[7]) < tonumber(ARGV[10]) then
  return {'again', found[9], session[2], session[3], session[4]}
end
revoke_grant(found[1], ARGV[2])
append(ARGV[12])
return {'reused', ''}
