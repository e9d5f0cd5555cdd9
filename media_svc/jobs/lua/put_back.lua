-- Releases MEDIUM for everyone after MILLISECONDS, if MEMBER holds it. COUNTS is 0 if the attempt does not count.
local media, member, delay_ms, counts = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local job = read(media)
if not job or job.holder ~= member then return 0 end
job.holder = nil
if counts == '0' then job.attempts = job.attempts - 1 end
write(media, job)
redis.call('ZADD', leases, now_ms() + delay_ms, media)
ring()
return 1
