-- KEYS: failures, recent. ARGV: now, delays (JSON), max in window, window seconds, kept seconds, effects if refused.
-- Gives {admitted, consecutive failures, retry_at}.
local now, delays, most, window = tonumber(ARGV[1]), cjson.decode(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function delay(failures)
  if failures == 0 or #delays == 0 then return 0 end
  return delays[math.min(failures, #delays)]
end
local found = redis.call('HMGET', KEYS[1], 'consecutive', 'last_at', 'expires_at')
if found[1] and now >= tonumber(found[3]) then
  redis.call('DEL', KEYS[1], KEYS[2])
  found = {false}
end
local oldest = redis.call('LINDEX', KEYS[2], 0)
while oldest and now >= tonumber(oldest) + window do
  redis.call('LPOP', KEYS[2])
  oldest = redis.call('LINDEX', KEYS[2], 0)
end
local failures, retry_at = tonumber(found[1] or 0), now
if failures > 0 then retry_at = tonumber(found[2]) + delay(failures) end
if redis.call('LLEN', KEYS[2]) >= most then
  retry_at = math.max(retry_at, tonumber(redis.call('LINDEX', KEYS[2], -most)) + window)
end
if now < retry_at then
  append(ARGV[6])
  return {0, failures, string.format('%.17g', retry_at)}
end
failures = failures + 1
local expires_at = string.format('%.17g', now + math.max(window, tonumber(ARGV[5])))
redis.call('HSET', KEYS[1], 'consecutive', failures, 'last_at', ARGV[1], 'expires_at', expires_at)
redis.call('RPUSH', KEYS[2], ARGV[1])
collect_after(KEYS[1], ARGV[1], expires_at)
collect_after(KEYS[2], ARGV[1], expires_at)
return {1, failures, string.format('%.17g', now + delay(failures))}
