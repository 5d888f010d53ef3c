-- KEYS: stops, then per scope (sent, verified), then per window its counter. ARGV: now, send, and JSON of {scopes, windows
-- [{limit, ends_at}], judged_from, judged_until, sends, percent, kept_seconds}, then effects by window count (JSON: {"<window>:
-- <count>": effects}) and by scope that stops (JSON). Gives {reason, number of the scope or window}; {'', 0} when counted.
local now, asked = ARGV[1], cjson.decode(ARGV[3])
local when_counted, when_stopped = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local scopes, windows = asked.scopes, asked.windows
for number, scope in ipairs(scopes) do
  if redis.call('HEXISTS', KEYS[1], scope) == 1 then return {'stopped', number} end
end
for number, scope in ipairs(scopes) do
  local sent = redis.call('ZCOUNT', KEYS[2 * number], '(' .. asked.judged_from, asked.judged_until)
  if sent >= asked.sends then
    local verified = redis.call('ZCOUNT', KEYS[2 * number + 1], '(' .. asked.judged_from, asked.judged_until)
    if verified * 100 < asked.percent * sent then
      redis.call('HSET', KEYS[1], scope, now)
      append(when_stopped[number])
      return {'stopped', number}
    end
  end
end
local counts = {}
for number, window in ipairs(windows) do
  local found = redis.call('HMGET', KEYS[1 + 2 * #scopes + number], 'counted', 'ends_at')
  counts[number] = 0
  if found[1] and tonumber(now) < tonumber(found[2]) then counts[number] = tonumber(found[1]) end
  if counts[number] >= window.limit then return {'full', number} end
end
for number, window in ipairs(windows) do
  local key = KEYS[1 + 2 * #scopes + number]
  if counts[number] == 0 then
    redis.call('HSET', key, 'counted', 1, 'ends_at', window.ends_at)
    collect_after(key, now, window.ends_at)
  else
    redis.call('HINCRBY', key, 'counted', 1)
  end
  append(when_counted[number .. ':' .. (counts[number] + 1)] or '')
end
for number in ipairs(scopes) do
  for _, key in ipairs({KEYS[2 * number], KEYS[2 * number + 1]}) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', asked.judged_from)
  end
  redis.call('ZADD', KEYS[2 * number], 'NX', now, ARGV[2])
  collect_after(KEYS[2 * number], now, string.format('%.17g', tonumber(now) + asked.kept_seconds))
end
return {'', 0}
