-- KEYS: silenced token. ARGV: now, until, effects.
local before = redis.call('GET', KEYS[1])
if before and tonumber(ARGV[1]) < tonumber(before) then return 0 end
if tonumber(ARGV[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
collect_after(KEYS[1], ARGV[1], ARGV[2])
append(ARGV[3])
return 1
