-- KEYS: sessions-of. ARGV: now, effects.
local ended = 0
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if session_lives(digest, ARGV[1]) then ended = ended + 1 end
  kill_session(digest)
end
if ended > 0 then append(ARGV[2]) end
return ended
