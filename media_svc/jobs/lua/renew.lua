-- Renews the lease of MEDIUM by MILLISECONDS, if MEMBER holds it. Returns 1 if it does.
local media, member, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local job = read(media)
if not job or job.holder ~= member then return 0 end
redis.call('ZADD', leases, now_ms() + lease_ms, media)
return 1
