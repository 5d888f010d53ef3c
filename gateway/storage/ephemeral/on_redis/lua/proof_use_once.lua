-- KEYS: used proof. ARGV: now, until. The key holds the end of it.
local before = redis.call('GET', KEYS[1])
if before and tonumber(ARGV[1]) < tonumber(before) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
collect_after(KEYS[1], ARGV[1], ARGV[2])
return 1
