-- KEYS: code. ARGV: now, effects.
local found = redis.call('HMGET', KEYS[1], 'spent', 'session_digest', 'kept_until', 'grant_digest')
if found[1] and tonumber(ARGV[1]) < tonumber(found[3]) and session_lives(found[2], ARGV[1]) then
  if found[1] == '1' then
    revoke_grant(found[2], found[4])
  else
    redis.call('HSET', KEYS[1], 'spent', '1')
  end
end
append(ARGV[2])
return 1
