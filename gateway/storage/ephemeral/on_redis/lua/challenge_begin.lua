-- KEYS: challenge. ARGV: sent_at, mac (hex), send_number, expires_at, attempts_left, kept_until, document, effects.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'begun_at', ARGV[1], 'sent_at', ARGV[1], 'mac', ARGV[2], 'send_number', ARGV[3],
  'expires_at', ARGV[4], 'attempts_left', ARGV[5], 'kept_until', ARGV[6], 'document', ARGV[7])
collect_after(KEYS[1], ARGV[1], ARGV[6])
append(ARGV[8])
return 1
