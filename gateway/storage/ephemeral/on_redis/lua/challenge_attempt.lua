-- KEYS: challenge. ARGV: now, mac (hex), effects if accepted, effects if wrong. Gives {verdict, tries left}.
-- Both sides of the comparison are keyed MACs, and Lua compares interned strings by address: its duration says nothing.
local found = redis.call('HMGET', KEYS[1], 'mac', 'expires_at', 'attempts_left')
if not found[1] or tonumber(ARGV[1]) >= tonumber(found[2]) or tonumber(found[3]) <= 0 then return {'dead', 0} end
local left = tonumber(found[3]) - 1
if found[1] == ARGV[2] then
  redis.call('DEL', KEYS[1])
  append(ARGV[3])
  return {'accepted', left}
end
if left == 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'attempts_left', left)
end
append(ARGV[4])
return {'wrong', left}
