-- Removes MEDIUM. If COST is a number, its owner pays that instead of the estimate.
local media, cost = ARGV[1], tonumber(ARGV[2])
local job = read(media)
if not job then return 0 end
redis.call('HDEL', jobs, media)
redis.call('ZREM', leases, media)
if redis.call('ZREM', waiting, job.place .. ':' .. media) == 1 then leave(job.owner) end
if cost then charge(job.owner, cost - job.cost) end
return 1
