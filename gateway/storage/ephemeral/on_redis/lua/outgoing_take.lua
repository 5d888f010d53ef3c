-- KEYS: outgoing. ARGV: now, limit, end of the lease. Gives {id, item, times taken before, …}.
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  redis.call('ZADD', KEYS[1], ARGV[3], id)
  local times = redis.call('HINCRBY', PARTITION .. 'outgoing-taken', id, 1)
  taken[#taken + 1] = {id, redis.call('HGET', PARTITION .. 'outgoing-items', id), times - 1}
end
return taken
