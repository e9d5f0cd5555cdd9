"""The server-side functions of home timelines.

A timeline is a sorted set of score 0. Its lowest member is the *marker*, which tells where the timeline's floor is: the floor's
16 bytes and a zero byte (17 bytes: the timeline is live), or those and the time at which a build began (25 bytes: it is being
built). The marker sorts right above the entry that is its floor and below every other, so it stays the lowest member.
"""

# Shared by the scripts below: the marker and its floor, setting a marker, and cutting a timeline to its length.
_COMMON = """
local function marker_of(key) return redis.call('ZRANGE', key, 0, 0)[1] end
-- Lua compares strings by the server's locale; entries are bytes.
local function is_above(a, b, size)
  for i = 1, size do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return false
end
-- The new marker goes in before the old one goes out: an empty sorted set would vanish, and its time to live with it.
local function set_marker(key, old, new)
  if old == new then return end
  redis.call('ZADD', key, 0, new)
  if old then redis.call('ZREM', key, old) end
end
local function raise_floor(key, floor)
  local old = marker_of(key)
  if not is_above(floor, old, 16) then return end
  redis.call('ZADD', key, 0, floor .. string.sub(old, 17))
  redis.call('ZREMRANGEBYLEX', key, '-', '[' .. floor)
end
local function add_above_floor(key, entries, first)
  local marker = marker_of(key)
  for i = first, #entries do
    if is_above(entries[i], marker, 16) then redis.call('ZADD', key, 0, entries[i]) end
  end
end
local function cut(key, length)
  local over = redis.call('ZCARD', key) - 1 - length
  if over <= 0 then return end
  raise_floor(key, redis.call('ZRANGE', key, over, over)[1])
end
"""

# KEYS timelines; ARGV entry, length, slack. Adds the entry to each timeline that is there and has its floor below. A timeline is
# cut only when it is `slack` over its length, so that most pushes do not pay for a cut.
PUSH = (
    _COMMON
    + """
local entry, length, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for _, key in ipairs(KEYS) do
  local marker = marker_of(key)
  if marker and is_above(entry, marker, 16) then
    redis.call('ZADD', key, 0, entry)
    if redis.call('ZCARD', key) - 1 > length + slack then cut(key, length) end
  end
end
"""
)

# KEYS timeline; ARGV length, floor, entries… Adds entries to a timeline that is there, and raises its floor.
BACKFILL = (
    _COMMON
    + """
local key, length = KEYS[1], tonumber(ARGV[1])
if not marker_of(key) then return 0 end
raise_floor(key, ARGV[2])
add_above_floor(key, ARGV, 3)
cut(key, length)
return 1
"""
)

# KEYS timeline; ARGV now in ms (8 bytes), when the oldest build began that may still be going on (8 bytes), time to live in
# seconds. Makes an absent timeline, or one whose builder has gone, one that is being built.
BEGIN_BUILD = (
    _COMMON
    + """
local marker = marker_of(KEYS[1])
if marker and (#marker == 17 or is_above(string.sub(marker, 18), ARGV[2], 8)) then return 0 end
set_marker(KEYS[1], marker, string.sub(marker or string.rep('\\0', 17), 1, 17) .. ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# KEYS timeline; ARGV length, floor, time to live in seconds, entries… Makes a timeline that is being built live. One that is
# absent meanwhile stays absent: pushes may have passed it by.
FINISH_BUILD = (
    _COMMON
    + """
local key = KEYS[1]
local marker = marker_of(key)
if not marker or #marker == 17 then return 0 end
raise_floor(key, ARGV[2])
add_above_floor(key, ARGV, 4)
marker = marker_of(key)
set_marker(key, marker, string.sub(marker, 1, 17))
cut(key, tonumber(ARGV[1]))
redis.call('EXPIRE', key, ARGV[3])
return 1
"""
)

# KEYS timeline. Removes a timeline that is being built.
ABANDON_BUILD = (
    _COMMON
    + """
local marker = marker_of(KEYS[1])
if marker and #marker ~= 17 then redis.call('DEL', KEYS[1]) end
"""
)

# KEYS timeline; ARGV author (8 bytes). A timeline has few enough entries to look at each.
REMOVE_AUTHOR = """
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if #entry == 16 and string.sub(entry, 9) == ARGV[1] then redis.call('ZREM', KEYS[1], entry) end
end
"""
