-- KEYS: failures, recent.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'consecutive', 0)
  redis.call('RPOP', KEYS[2])
end
return 1
