-- KEYS: session. ARGV: now, digest.
local found, live = session_of(ARGV[2], ARGV[1])
if not found or not live then return false end
if tonumber(ARGV[1]) > tonumber(found[2]) then
  redis.call('HSET', KEYS[1], 'last_used_at', ARGV[1])
  found[2] = ARGV[1]
end
return found
