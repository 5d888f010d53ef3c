#!lua
-- Before every script. The first line (Redis 7 or later) makes the server refuse keys of another Cluster slot, and refuse a
-- script that lacks memory before it has written anything rather than halfway.
--
-- KEYS[1] is a key of the partition; the script reaches others by the same prefix, hence in the same slot. Numbers arrive and
-- stay as text, so that no instant is ever rounded; `now` is the caller's clock.

local PARTITION = string.match(KEYS[1], '^{p%x}:')

-- The engine's own expiry: later than the record's end, and relative, since the two clocks need not agree.
local function collect_after(key, now, kept_until)
  local milliseconds = math.ceil((tonumber(kept_until) - tonumber(now)) * 1000) + 60000
  if milliseconds > redis.call('PTTL', key) then
    redis.call('PEXPIRE', key, math.max(milliseconds, 1000))
  end
end

local function append_item(tag, item)
  local id = string.format('%016.0f', redis.call('INCR', PARTITION .. 'outgoing-last')) .. '.' .. tag
  redis.call('HSET', PARTITION .. 'outgoing-items', id, item)
  redis.call('ZADD', PARTITION .. 'outgoing', 0, id)
end

-- `effects` is JSON: [[[tag, line], …], [[tag, item], …]] with lines and items already written as JSON text.
local function append(effects)
  if effects == '' then return end
  local listed = cjson.decode(effects)
  for _, event in ipairs(listed[1]) do
    redis.call('XADD', PARTITION .. 'events', '*', 'tag', event[1], 'event', event[2])
  end
  for _, item in ipairs(listed[2]) do append_item(item[1], item[2]) end
end

-- `logout_calls` of gateway/signin/ended_session.py, for a live session that ends: only here is it known which
-- applications had joined by now. A session ends once, so its digest and the application make a tag of their own.
local function tell_applications(digest, found)
  local session = cjson.decode(found[1]).record
  for _, client in ipairs(session.clients) do
    append_item(digest .. ':' .. client, cjson.encode(
      {kind = 'backchannel_logout', payload = {client = client, sid = session.sid, account = found[6]}}))
  end
end

local function session_of(digest, now)
  local found = redis.call('HMGET', PARTITION .. 'session:' .. digest,
    'document', 'last_used_at', 'idle_seconds', 'absolute_end', 'version', 'account_id')
  if not found[1] then return nil end
  local ends_at = math.min(tonumber(found[2]) + tonumber(found[3]), tonumber(found[4]))
  return found, tonumber(now) < ends_at
end

local function session_lives(digest, now)
  local found, live = session_of(digest, now)
  return found ~= nil and live
end

-- `found` of what a session gave, and its last use, idle limit and absolute end; false when the session has ended.
local function with_life(found, digest, now)
  local session, live = session_of(digest, now)
  if not live then return false end
  for i = 2, 4 do found[#found + 1] = session[i] end
  return found
end

-- What a session gave: members are `code:<digest>` and `grant:<digest>`, scored by their end.
local function hold(session_digest, member, kept_until, now)
  local key = PARTITION .. 'held-by:' .. session_digest
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, 'GT', kept_until, member)
  collect_after(key, now, kept_until)
end

local function kill_session(digest)
  local session, held = PARTITION .. 'session:' .. digest, PARTITION .. 'held-by:' .. digest
  for _, member in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    redis.call('DEL', PARTITION .. member)
  end
  local account_id = redis.call('HGET', session, 'account_id')
  if account_id then redis.call('ZREM', PARTITION .. 'sessions-of:' .. account_id, digest) end
  redis.call('DEL', session, held)
end

local function revoke_grant(session_digest, grant_digest)
  if not grant_digest then return end
  redis.call('DEL', PARTITION .. 'grant:' .. grant_digest)
  redis.call('ZREM', PARTITION .. 'held-by:' .. session_digest, 'grant:' .. grant_digest)
end

-- One access token that died before its time: the key holds the end of it.
local function is_silenced(digest, now)
  local ends_at = redis.call('GET', PARTITION .. 'silenced:' .. digest)
  return ends_at ~= false and tonumber(now) < tonumber(ends_at)
end
