-- KEYS: failed identifiers, origin. ARGV: now, identifier, most, since, kept until, waited, quiet until, effects if crossed.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
local most, known = tonumber(ARGV[3]), redis.call('ZSCORE', KEYS[1], ARGV[2])
local others = redis.call('ZCARD', KEYS[1])
if known then others = others - 1 end
if others >= most then
  if ARGV[6] == '0' then return 0 end
  redis.call('ZREM', KEYS[1], ARGV[2])
  redis.call('ZPOPMIN', KEYS[1], others - most + 1)
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
collect_after(KEYS[1], ARGV[1], ARGV[5])
if others + 1 >= most then
  local told_until = redis.call('HGET', KEYS[2], 'told_until')
  if not told_until or tonumber(ARGV[1]) >= tonumber(told_until) then
    redis.call('HSET', KEYS[2], 'told_until', ARGV[7])
    collect_after(KEYS[2], ARGV[1], ARGV[7])
    append(ARGV[8])
  end
end
return 1
