-- KEYS: pushed request. ARGV: now, client_id, expires_at, document, effects.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'client_id', ARGV[2], 'expires_at', ARGV[3], 'document', ARGV[4])
collect_after(KEYS[1], ARGV[1], ARGV[3])
append(ARGV[5])
return 1
