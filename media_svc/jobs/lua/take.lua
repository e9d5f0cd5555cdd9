-- Takes the next job for MEMBER, with a lease of MILLISECONDS. Returns it with its attempts, its age, how many still wait, and
-- its trace, which jobs of earlier versions lack.
local EXPIRED_AT_ONCE = 100
-- Debts this far behind the clock are forgotten: more than the cost of all jobs that workers hold at a time.
local FORGET_BEHIND = 100000000
local member, lease_ms, now = ARGV[1], tonumber(ARGV[2]), now_ms()
for _, media in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, EXPIRED_AT_ONCE)) do
  redis.call('ZREM', leases, media)
  local job = read(media)
  if job then
    job.holder = nil
    write(media, job)
    wait(media, job)
  end
end
-- Returns the next medium, its job and its owner's turn. Redis may have lost one of the keys; the others then lead nowhere.
local function next_job()
  while true do
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    local owner, turn = first[1], tonumber(first[2])
    if not owner then return end
    local place = first_of(owner)
    if place then
      redis.call('ZREM', waiting, place)
      local media = string.match(place, '[^:]+$')
      local job = read(media)
      if job then return media, job, turn end
    else
      redis.call('ZREM', turns, owner)
    end
  end
end
local media, job, turn = next_job()
if not media then
  redis.call('DEL', bell)
  return false
end
local time = math.max(clock(), turn)
redis.call('HSET', state, 'clock', time)
redis.call('ZREMRANGEBYSCORE', debts, '-inf', time - FORGET_BEHIND)
charge(job.owner, job.cost)
leave(job.owner)
job.attempts = job.attempts + 1
job.holder = member
write(media, job)
redis.call('ZADD', leases, now + lease_ms, media)
return {media, job.attempts, now - job.added, redis.call('ZCARD', waiting), job.trace or ''}
