-- Adds MEDIUM of OWNER with COST and the TRACE that it belongs to, unless it is queued. Returns 1 if it was added.
local media, owner, cost = ARGV[1], ARGV[2], tonumber(ARGV[3])
local known = read(media)
if known and (redis.call('ZSCORE', leases, media) or redis.call('ZSCORE', waiting, known.place .. ':' .. media)) then
  return 0
end
local number = redis.call('HINCRBY', state, 'number', 1)
local job = {owner = owner, place = string.format('%s:%016.0f', owner, number), cost = cost, attempts = 0, added = now_ms()}
job.trace = ARGV[4]
write(media, job)
wait(media, job)
ring()
return 1
