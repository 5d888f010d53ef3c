-- KEYS: outgoing. ARGV: limit. Gives {item, times taken, …} of those due last: what failed waits longer than what is new.
local waiting = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)) do
  waiting[#waiting + 1] = {redis.call('HGET', PARTITION .. 'outgoing-items', id),
    redis.call('HGET', PARTITION .. 'outgoing-taken', id) or '0'}
end
return waiting
