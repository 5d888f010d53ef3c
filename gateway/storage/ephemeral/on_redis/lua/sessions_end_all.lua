-- KEYS: sessions-of. ARGV: now, effects, digest of the session to spare or ''.
local ended = 0
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if digest ~= ARGV[3] then
    local found, live = session_of(digest, ARGV[1])
    if found and live then
      ended = ended + 1
      tell_applications(digest, found)
    end
    kill_session(digest)
  end
end
if ended > 0 then append(ARGV[2]) end
return ended
