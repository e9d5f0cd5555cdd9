"""The server-side functions of the celebrities' log.

The log is one sorted set of score 0, so it is either lost completely or not at all. Its members, by their first byte:

- `a ‖ life(8)`: which log this is. After a loss the log starts a new life, and what was learned from the old one is void;
- `l ‖ seq(8) ‖ author(8) ‖ mode(1) ‖ since(8)`: a change, ordered by its number. Numbers have no gaps. Old changes are
  dropped, but never the newest;
- `p ‖ author(8) ‖ since(8)`: a pulled author.

A mode is `1` for pulled, `0` for pushed; `since` is in milliseconds by the server's clock.
"""

_COMMON = """
local key = KEYS[1]
local function first(from, to)
  return redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, 1)[1]
end
local function last_change()
  return redis.call('ZREVRANGEBYLEX', key, '(m', '[l', 'LIMIT', 0, 1)[1]
end
local function number_at(text, from)
  return (struct.unpack('>I8', string.sub(text, from, from + 7)))
end
local function last_seq()
  local change = last_change()
  return change and number_at(change, 2) or 0
end
local function life_or(new)
  local found = first('[a', '(b')
  if found then return string.sub(found, 2) end
  redis.call('ZADD', key, 0, 'a' .. new)
  return new
end
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

# KEYS log; ARGV author (8 bytes), follower count, threshold, life for a log that is not there (8 bytes), how long a change is
# kept in ms. Promotes or demotes an author by its follower count. Returns whether it is pulled, and since how many ms.
DECIDE = (
    _COMMON
    + """
local author, count, threshold = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
life_or(ARGV[4])
local now = now_ms()
local pulled = first('[p' .. author, '[p' .. author .. string.rep('\\255', 9))
local is_pulled = pulled and true or false
local function change(mode)
  local since = struct.pack('>I8', now)
  redis.call('ZADD', key, 0, 'l' .. struct.pack('>I8', last_seq() + 1) .. author .. mode .. since)
  if pulled then redis.call('ZREM', key, pulled) else redis.call('ZADD', key, 0, 'p' .. author .. since) end
  local newest = last_change()
  for _, old in ipairs(redis.call('ZRANGEBYLEX', key, '[l', '(m', 'LIMIT', 0, 100)) do
    if old == newest or number_at(old, 19) > now - tonumber(ARGV[5]) then break end
    redis.call('ZREM', key, old)
  end
end
if is_pulled and count * 10 < threshold * 9 then
  change('0')
  return {0, 0}
elseif is_pulled then
  return {1, now - number_at(pulled, 10)}
elseif count >= threshold then
  change('1')
  return {1, 0}
end
return {0, 0}
"""
)

# KEYS log; ARGV author (8 bytes). Returns since how many ms an author is pulled, -1 for one who is pushed.
PULLED_FOR = (
    _COMMON
    + """
local pulled = first('[p' .. ARGV[1], '[p' .. ARGV[1] .. string.rep('\\255', 9))
return pulled and now_ms() - number_at(pulled, 10) or -1
"""
)

# KEYS log; ARGV known life (8 bytes, or empty), known seq, life for a log that is not there (8 bytes). Returns life, now in ms,
# whether this is everything, the changes after the known one, and, where it is everything, who is pulled. Everything comes
# where the known life is another, or changes after the known one were dropped. A log that ends before the known change has
# lost some (a replica took over that lagged): it begins a new life.
CHANGES = (
    _COMMON
    + """
local known, seq = ARGV[1], tonumber(ARGV[2])
local life = life_or(ARGV[3])
if life == known and last_seq() < seq then
  redis.call('ZREM', key, 'a' .. life)
  life = life_or(ARGV[3])
end
local oldest = first('[l', '(m')
if life == known and (not oldest or number_at(oldest, 2) <= seq + 1) then
  return {life, now_ms(), 0, redis.call('ZRANGEBYLEX', key, '[l' .. struct.pack('>I8', seq + 1), '(m'), {}}
end
return {life, now_ms(), 1, redis.call('ZRANGEBYLEX', key, '[l', '(m'), redis.call('ZRANGEBYLEX', key, '[p', '(q')}
"""
)
