-- KEYS: per scope (sent, verified). ARGV: send. A code that was typed counts at the instant its message left.
for number = 1, #KEYS, 2 do
  local sent_at = redis.call('ZSCORE', KEYS[number], ARGV[1])
  if sent_at then
    redis.call('ZADD', KEYS[number + 1], sent_at, ARGV[1])
    redis.call('PEXPIRE', KEYS[number + 1], math.max(redis.call('PTTL', KEYS[number]), 1000))
  end
end
return 1
