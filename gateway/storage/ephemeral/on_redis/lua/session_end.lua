-- KEYS: session. ARGV: now, digest, effects.
local found, live = session_of(ARGV[2], ARGV[1])
if not found then return false end
kill_session(ARGV[2])
if not live then return false end
append(ARGV[3])
tell_applications(ARGV[2], found)
return found
