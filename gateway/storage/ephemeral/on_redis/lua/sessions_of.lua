-- KEYS: sessions-of. ARGV: now.
local live_ones = {}
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found, live = session_of(digest, ARGV[1])
  if found and live then live_ones[#live_ones + 1] = found end
end
return live_ones
