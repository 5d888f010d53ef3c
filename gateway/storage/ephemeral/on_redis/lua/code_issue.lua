-- KEYS: code. ARGV: issued_at, digest, session digest, account_id, expires_at, document, effects.
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local found, live = session_of(ARGV[3], ARGV[1])
if not found or not live or found[6] ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'spent', '0', 'session_digest', ARGV[3], 'kept_until', ARGV[5], 'document', ARGV[6])
collect_after(KEYS[1], ARGV[1], ARGV[5])
hold(ARGV[3], 'code:' .. ARGV[2], ARGV[5], ARGV[1])
append(ARGV[7])
return 1
