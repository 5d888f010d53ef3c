-- KEYS: session. ARGV: now, digest, account_id, last_used_at, idle_seconds, absolute_end, version, document,
-- digest of the replaced session (of this partition) or '', effects, how many at most or '', effects of ousting others,
-- the version at which the account's own replaced session must live or ''. 1: started; 0: it exists; -1: the other moved.
local now, digest, account_id, old = ARGV[1], ARGV[2], ARGV[3], ARGV[9]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if ARGV[13] ~= '' then
  local found, live = session_of(old, now)
  if not found or not live or found[6] ~= account_id or found[5] ~= ARGV[13] then return -1 end
end
redis.call('HSET', KEYS[1], 'account_id', account_id, 'last_used_at', ARGV[4], 'idle_seconds', ARGV[5],
  'absolute_end', ARGV[6], 'version', ARGV[7], 'document', ARGV[8])
collect_after(KEYS[1], now, ARGV[6])
local all = PARTITION .. 'sessions-of:' .. account_id
redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
redis.call('ZADD', all, ARGV[6], digest)
collect_after(all, now, ARGV[6])
if old ~= '' then
  local found, live = session_of(old, now)
  if found and live and found[6] == account_id then
    local held = PARTITION .. 'held-by:' .. old
    local members = redis.call('ZRANGE', held, 0, -1, 'WITHSCORES')
    for i = 1, #members, 2 do
      if redis.call('EXISTS', PARTITION .. members[i]) == 1 then
        redis.call('HSET', PARTITION .. members[i], 'session_digest', digest)
        hold(digest, members[i], members[i + 1], now)
      end
    end
    redis.call('DEL', held)
  end
  if found and live and cjson.decode(found[1]).record.sid ~= cjson.decode(ARGV[8]).record.sid then
    tell_applications(old, found)
  end
  kill_session(old)
end
append(ARGV[10])
if ARGV[11] ~= '' then
  local others = {}
  for _, other in ipairs(redis.call('ZRANGE', all, 0, -1)) do
    local found, live = session_of(other, now)
    if found and live and other ~= digest then
      others[#others + 1] = {digest = other, found = found, since = cjson.decode(found[1]).record.started_at}
    end
  end
  table.sort(others, function(one, two) return one.since < two.since end)
  local ousted = #others + 1 - tonumber(ARGV[11])
  for i = 1, math.min(ousted, #others) do
    kill_session(others[i].digest)
    tell_applications(others[i].digest, others[i].found)
  end
  if ousted > 0 then append(ARGV[12]) end
end
return 1
