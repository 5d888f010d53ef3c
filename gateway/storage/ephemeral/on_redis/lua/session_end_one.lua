-- KEYS: sessions-of. ARGV: now, sid, effects.
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found, live = session_of(digest, ARGV[1])
  if found and live and cjson.decode(found[1]).record.sid == ARGV[2] then
    kill_session(digest)
    append(ARGV[3])
    tell_applications(digest, found)
    return 1
  end
end
return 0
