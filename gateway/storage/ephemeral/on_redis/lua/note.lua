-- KEYS: events. ARGV: effects.
append(ARGV[1])
return 1
