-- What all scripts of a job queue share. `turns.py` describes the keys.
local jobs, waiting, turns, debts, leases, state, bell = unpack(KEYS)
local function read(media)
  local found = redis.call('HGET', jobs, media)
  return found and cjson.decode(found)
end
local function write(media, job) redis.call('HSET', jobs, media, cjson.encode(job)) end
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function clock() return tonumber(redis.call('HGET', state, 'clock') or 0) end
local function first_of(owner)
  return redis.call('ZRANGEBYLEX', waiting, '[' .. owner .. ':', '(' .. owner .. ';', 'LIMIT', 0, 1)[1]
end
-- An owner who begins to wait starts at the clock, or later if earlier jobs have moved their turn.
local function wait(media, job)
  redis.call('ZADD', waiting, 0, job.place .. ':' .. media)
  if redis.call('ZSCORE', turns, job.owner) then return end
  local debt = tonumber(redis.call('ZSCORE', debts, job.owner) or 0)
  redis.call('ZADD', turns, math.max(clock(), debt), job.owner)
  redis.call('ZREM', debts, job.owner)
end
-- An owner without waiting jobs leaves the turns.
local function leave(owner)
  local turn = redis.call('ZSCORE', turns, owner)
  if not turn or first_of(owner) then return end
  redis.call('ZADD', debts, turn, owner)
  redis.call('ZREM', turns, owner)
end
local function charge(owner, cost)
  if redis.call('ZSCORE', turns, owner) then
    redis.call('ZINCRBY', turns, cost, owner)
  else
    redis.call('ZADD', debts, (redis.call('ZSCORE', debts, owner) or clock()) + cost, owner)
  end
end
local function ring()
  redis.call('LPUSH', bell, 1)
  redis.call('LTRIM', bell, 0, 63)
end
