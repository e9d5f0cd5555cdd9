"""The Lua scripts of timelines.

A timeline is a sorted set of score 0. Its members, in byte order:

- the *marker*: 8 zero bytes, a zero, the floor (16), and how far the timeline knows the celebrities' log: its life (8) and the
  number of a change (8). With 41 bytes the timeline is live. While it is being built, the builder's token (8) follows, which
  begins with the time of the build;
- *pulled* authors: 8 zero bytes, a one, the author (8): their posts are not all in the timeline;
- entries: place (8), author (8). No place is 0, so they sort above all other members.

Every member fits into a listpack.
"""

# Shared by the scripts below. Lua compares strings by the server's locale, but entries are bytes. A new marker is added before
# the old one is removed: an empty sorted set would vanish together with its time to live.
_COMMON = """
local HEAD = string.rep('\\0', 9)
local PULLED = string.rep('\\0', 8) .. '\\1'
local FIRST = string.rep('\\0', 7) .. '\\1'
local LIVE = 41
local function marker_of(key) return redis.call('ZRANGE', key, 0, 0)[1] end
local function floor_of(marker) return string.sub(marker, 10, 25) end
local function life_of(marker) return string.sub(marker, 26, 33) end
local function seq_of(marker) return string.sub(marker, 34, 41) end
local function token_of(marker) return string.sub(marker, 42) end
local function is_above(a, b)
  for i = 1, #a do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return false
end
local function set_marker(key, old, new)
  if old == new then return end
  redis.call('ZADD', key, 0, new)
  if old then redis.call('ZREM', key, old) end
end
local function raise_floor(key, floor)
  local old = marker_of(key)
  if not is_above(floor, floor_of(old)) then return end
  set_marker(key, old, HEAD .. floor .. string.sub(old, 26))
  redis.call('ZREMRANGEBYLEX', key, '[' .. FIRST, '[' .. floor)
end
local function add_above_floor(key, arguments, from)
  local floor = floor_of(marker_of(key))
  for i = from, #arguments do
    if is_above(arguments[i], floor) then redis.call('ZADD', key, 0, arguments[i]) end
  end
end
local function cut(key, length, slack)
  local size = redis.call('ZCARD', key)
  if size - 1 <= length + slack then return end
  local heads = redis.call('ZLEXCOUNT', key, '-', '(' .. FIRST)
  if size - heads <= length + slack then return end
  local highest_to_go = size - length - 1
  raise_floor(key, redis.call('ZRANGE', key, highest_to_go, highest_to_go)[1])
end
"""

# KEYS timeline; ARGV bound below which to read ('+' or '(' and an entry), limit (-1: none), time to live below which it is
# renewed (0: never), time to live in seconds. Returns entries and heads (the marker and the pulled authors). One script,
# because a build that ends between two commands would show a live timeline without its entries. Without _COMMON, whose
# functions would be defined again for each read.
READ = """
local entries = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], '[\\0\\0\\0\\0\\0\\0\\0\\1', 'LIMIT', 0, ARGV[2])
local heads = redis.call('ZRANGEBYLEX', KEYS[1], '-', '(\\0\\0\\0\\0\\0\\0\\0\\1')
if ARGV[3] ~= '0' and heads[1] and #heads[1] == 41 and redis.call('TTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return {entries, heads}
"""

# KEYS timelines; ARGV entry, length, slack. Adds the entry to each existing timeline with a lower floor. A timeline
# is only cut once it is `slack` over its length, so that most pushes do not pay for a cut.
PUSH = (
    _COMMON
    + """
local entry, length, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for _, key in ipairs(KEYS) do
  local marker = marker_of(key)
  if marker and is_above(entry, floor_of(marker)) then
    redis.call('ZADD', key, 0, entry)
    cut(key, length, slack)
  end
end
"""
)

# KEYS timeline; ARGV length, floor, entries… Adds entries to an existing timeline and raises its floor.
BACKFILL = (
    _COMMON
    + """
local key = KEYS[1]
if not marker_of(key) then return 0 end
raise_floor(key, ARGV[2])
add_above_floor(key, ARGV, 3)
cut(key, tonumber(ARGV[1]), 0)
return 1
"""
)

# KEYS timeline; ARGV author (8 bytes). Adds a pulled author to an existing timeline.
PULL = (
    _COMMON
    + """
if not marker_of(KEYS[1]) then return 0 end
redis.call('ZADD', KEYS[1], 0, PULLED .. ARGV[1])
return 1
"""
)

# KEYS timeline; ARGV known position (16 bytes), new number (8 bytes), length, floor, number of authors to pull, of authors
# to push again, those authors (8 bytes each), entries… Brings a live timeline up to a change of the celebrities' log,
# atomically. A timeline that was rebuilt meanwhile is accepted if it knows at least as much of the log as the caller did.
INTEGRATE = (
    _COMMON
    + """
local key, known, new = KEYS[1], ARGV[1], ARGV[2]
local marker = marker_of(key)
if not marker or #marker ~= LIVE or life_of(marker) ~= string.sub(known, 1, 8) then return 0 end
if is_above(string.sub(known, 9), seq_of(marker)) or not is_above(new, seq_of(marker)) then return 0 end
local pull, push = tonumber(ARGV[5]), tonumber(ARGV[6])
for i = 7, 6 + pull do redis.call('ZADD', key, 0, PULLED .. ARGV[i]) end
raise_floor(key, ARGV[4])
add_above_floor(key, ARGV, 7 + pull + push)
for i = 7 + pull, 6 + pull + push do redis.call('ZREM', key, PULLED .. ARGV[i]) end
marker = marker_of(key)
set_marker(key, marker, string.sub(marker, 1, 33) .. new)
cut(key, tonumber(ARGV[3]), 0)
return 1
"""
)

# KEYS timeline; ARGV token (8 bytes), lowest token of a build that may still be running, time to live in seconds,
# position in the celebrities' log (16 bytes), lowest number of a change that is good enough (8 bytes). Starts the build of a
# timeline that is absent, knows another log or too little of this one, or whose builder is dead. Returns whether the caller
# builds it.
BEGIN_BUILD = (
    _COMMON
    + """
local key, token = KEYS[1], ARGV[1]
local marker = marker_of(key)
if marker and (life_of(marker) ~= string.sub(ARGV[4], 1, 8) or is_above(ARGV[5], seq_of(marker))) then
  redis.call('DEL', key)
  marker = nil
end
if marker and #marker == LIVE then return 0 end
if marker and token_of(marker) ~= token and is_above(token_of(marker), ARGV[2]) then return 0 end
set_marker(key, marker, HEAD .. (marker and floor_of(marker) or string.rep('\\0', 16)) .. ARGV[4] .. token)
redis.call('EXPIRE', key, ARGV[3])
return 1
"""
)

# KEYS timeline; ARGV token, new token, time to live in seconds. Gives a build that its builder still holds a new token.
RENEW_BUILD = (
    _COMMON
    + """
local key = KEYS[1]
local marker = marker_of(key)
if not marker or token_of(marker) ~= ARGV[1] then return 0 end
set_marker(key, marker, string.sub(marker, 1, LIVE) .. ARGV[2])
redis.call('EXPIRE', key, ARGV[3])
return 1
"""
)

# KEYS timeline; ARGV token, length, floor, time to live in seconds, number of pulled authors, those authors (8 bytes each),
# entries… Makes a timeline live if its builder still holds it. If it is absent it stays absent, because pushes may have been
# missed.
FINISH_BUILD = (
    _COMMON
    + """
local key, pulled = KEYS[1], tonumber(ARGV[5])
local marker = marker_of(key)
if not marker or token_of(marker) ~= ARGV[1] then return 0 end
for i = 6, 5 + pulled do redis.call('ZADD', key, 0, PULLED .. ARGV[i]) end
raise_floor(key, ARGV[3])
add_above_floor(key, ARGV, 6 + pulled)
marker = marker_of(key)
set_marker(key, marker, string.sub(marker, 1, LIVE))
cut(key, tonumber(ARGV[2]), 0)
redis.call('EXPIRE', key, ARGV[4])
return 1
"""
)

# KEYS timeline; ARGV token. Removes a timeline if its builder still holds it.
ABANDON_BUILD = (
    _COMMON
    + """
local marker = marker_of(KEYS[1])
if marker and token_of(marker) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
)

# KEYS timeline; ARGV author (8 bytes). Looks at every entry, as a timeline has few.
REMOVE_AUTHOR = (
    _COMMON
    + """
redis.call('ZREM', KEYS[1], PULLED .. ARGV[1])
for _, entry in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], '[' .. FIRST, '+')) do
  if string.sub(entry, 9) == ARGV[1] then redis.call('ZREM', KEYS[1], entry) end
end
"""
)
