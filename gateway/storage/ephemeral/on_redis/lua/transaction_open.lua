-- KEYS: transaction. ARGV: opened_at, expires_at, version, document, effects.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'expires_at', ARGV[2], 'version', ARGV[3], 'document', ARGV[4])
collect_after(KEYS[1], ARGV[1], ARGV[2])
append(ARGV[5])
return 1
