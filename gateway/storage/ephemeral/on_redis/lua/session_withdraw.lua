-- KEYS: session. ARGV: now, digest, account_id, expected version, new version, document, client_id, effects.
local found, live = session_of(ARGV[2], ARGV[1])
if not found or not live or found[6] ~= ARGV[3] or found[5] ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[5], 'document', ARGV[6])
local held = PARTITION .. 'held-by:' .. ARGV[2]
for _, member in ipairs(redis.call('ZRANGE', held, 0, -1)) do
  local document = redis.call('HGET', PARTITION .. member, 'document')
  if document and cjson.decode(document).record.client_id == ARGV[7] then
    redis.call('DEL', PARTITION .. member)
    redis.call('ZREM', held, member)
  end
end
append(ARGV[8])
return 1
