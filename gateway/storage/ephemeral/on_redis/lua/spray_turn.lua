-- KEYS: failed identifiers, origin. ARGV: now, earliest, latest, interval. Gives the turn, as text.
local last = tonumber(redis.call('HGET', KEYS[2], 'turn_at') or 0)
local turn = math.max(tonumber(ARGV[2]), last + tonumber(ARGV[4]))
if turn >= tonumber(ARGV[3]) then return ARGV[3] end
local text = string.format('%.17g', turn)
redis.call('HSET', KEYS[2], 'turn_at', text)
collect_after(KEYS[2], ARGV[1], text)
return text
