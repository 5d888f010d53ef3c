-- KEYS: challenge. ARGV: sent_at, mac (hex), send_number, expires_at, expected send number, resend seconds, effects.
local found = redis.call('HMGET', KEYS[1], 'send_number', 'begun_at', 'kept_until')
if found[1] ~= ARGV[5] or tonumber(ARGV[1]) >= tonumber(found[2]) + tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], 'sent_at', ARGV[1], 'mac', ARGV[2], 'send_number', ARGV[3], 'expires_at', ARGV[4])
if tonumber(ARGV[4]) > tonumber(found[3]) then
  redis.call('HSET', KEYS[1], 'kept_until', ARGV[4])
  collect_after(KEYS[1], ARGV[1], ARGV[4])
end
append(ARGV[7])
return 1
