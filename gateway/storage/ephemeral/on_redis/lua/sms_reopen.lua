-- KEYS: stops, sent, verified. ARGV: scope, effects. Gives whether it was stopped.
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2], KEYS[3])
append(ARGV[2])
return 1
