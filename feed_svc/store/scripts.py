"""The Lua scripts of timelines.

A timeline is a list: its entries, newest first, then the *marker*. An entry is its place (8 bytes) and its author (8). The marker
is longer: the floor (16), how far the timeline knows the celebrities' log, which is its life (8) and the number of a change (8),
the builder's token (8), the *cuts* (24, home timelines only), and the *pulled* authors (8 each), whose posts are not all in the
timeline. A token begins with the time of the build. In a live timeline it is zero. `reading/check_cuts.py` explains the cuts.

The marker is replaced in place and never removed: an empty list would vanish together with its time to live.
"""

# The number of entries above another one; the first `low` are known to be. `at(index)` returns entries, newest first, then
# perhaps the marker, then nothing. Looks at few of them if the place is near the top. Lua compares strings by the server's
# locale, but entries are bytes; a number of Lua has only 53 bits.
_RANK = """
local function is_below(entry, a1, a2, a3)
  local b1, b2, b3 = struct.unpack('>I6I6I4', entry)
  if b1 ~= a1 then return b1 < a1 end
  if b2 ~= a2 then return b2 < a2 end
  return b3 < a3
end
local function is_above(a, b) return is_below(b, struct.unpack('>I6I6I4', a)) end
local function rank_of(entry, at, low)
  local function is_higher(index)
    local found = at(index)
    return found and #found == 16 and is_above(found, entry)
  end
  local high = low
  while is_higher(high) do low, high = high + 1, 2 * high + 1 end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_higher(middle) then low = middle + 1 else high = middle end
  end
  return low
end
local function in_list(key) return function(index) return redis.call('LINDEX', key, index) end end
"""

_MARKER = """
local LIVE = string.rep('\\0', 8)
local function marker_of(key) return redis.call('LINDEX', key, -1) end
local function floor_of(marker) return string.sub(marker, 1, 16) end
local function life_of(marker) return string.sub(marker, 17, 24) end
local function seq_of(marker) return string.sub(marker, 25, 32) end
local function token_of(marker) return string.sub(marker, 33, 40) end
local function with_floor(marker, floor) return floor .. string.sub(marker, 17) end
local function with_token(marker, token) return string.sub(marker, 1, 32) .. token .. string.sub(marker, 41) end
local function is_later(a, b) return is_above(LIVE .. a, LIVE .. b) end
local function pulled_of(marker)
  local pulled = {}
  for i = 65, #marker, 8 do pulled[#pulled + 1] = string.sub(marker, i, i + 7) end
  return pulled
end
local function without_pulled(marker, gone)
  local kept = {string.sub(marker, 1, 64)}
  for _, author in ipairs(pulled_of(marker)) do
    if not gone[author] then kept[#kept + 1] = author end
  end
  return table.concat(kept)
end
local function with_pulled(marker, added)
  local all, known = {marker}, {}
  for _, author in ipairs(pulled_of(marker)) do known[author] = true end
  for _, author in ipairs(added) do
    if not known[author] then known[author], all[#all + 1] = true, author end
  end
  return table.concat(all)
end
local function part(from, count)
  local found = {}
  for i = from, from + count - 1 do found[#found + 1] = ARGV[i] end
  return found
end
"""

# Merges entries, newest first, into an existing timeline and gives it a marker. Keeps at most `length` of those above the floor.
_MERGE = """
local function in_array(array) return function(index) return array[index + 1] end end
local function write(key, entries, marker)
  redis.call('LTRIM', key, -1, -1)
  for from = 1, #entries, 1000 do
    redis.call('RPUSH', key, unpack(entries, from, math.min(from + 999, #entries)))
  end
  redis.call('RPUSH', key, marker)
  redis.call('LPOP', key)
end
local function merge(key, marker, added, length)
  local held, merged = redis.call('LRANGE', key, 0, -2), {}
  local held_last = rank_of(floor_of(marker), in_array(held), 0)
  local added_last = rank_of(floor_of(marker), in_array(added), 0)
  local h, a = 1, 1
  while #merged <= length and (h <= held_last or a <= added_last) do
    local from_held, from_added = held[h], added[a]
    if a > added_last or (h <= held_last and (from_held == from_added or is_above(from_held, from_added))) then
      merged[#merged + 1], h = from_held, h + 1
      if a <= added_last and from_held == from_added then a = a + 1 end
    else
      merged[#merged + 1], a = from_added, a + 1
    end
  end
  if #merged > length then marker = with_floor(marker, table.remove(merged)) end
  write(key, merged, marker)
end
local function higher(a, b) return is_above(a, b) and a or b end
"""

_CHANGE = _RANK + _MARKER + _MERGE

# One script, because a build that ends between two commands would show a live timeline without its entries. It is the most
# frequent one, so it defines no functions that it does not need.
_READ = (
    """
local key, below, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])
local marker = redis.call('LINDEX', key, -1)
if not marker or string.sub(marker, 33, 40) ~= '\\0\\0\\0\\0\\0\\0\\0\\0' then return {} end
local from = 0
if below ~= '+' then
  local found = redis.call('LPOS', key, below)
  if found then
    from = found + 1
  else
"""
    + _RANK
    + """
    from = rank_of(string.sub(below, 1, 16), in_list(key), 0)
  end
end
local entries = redis.call('LRANGE', key, from, limit < 0 and -2 or from + limit - 1)
if #(entries[#entries] or '') > 16 then entries[#entries] = nil end
"""
)

# KEYS timeline; ARGV entry below which to read ('+': from the top; an entry and a byte: from the entry itself), limit (-1: none).
# Returns entries and the marker, or nothing if the timeline is not live.
READ = _READ + "return {entries, marker}"

# KEYS timeline, lease; ARGV the same, then time to live below which it is renewed (0: never), time to live in seconds. If there
# is no lease, also returns the time in milliseconds since 1970, and only then renews the time to live.
READ_HOME = (
    _READ
    + """
if redis.call('EXISTS', KEYS[2]) == 1 then return {entries, marker} end
if ARGV[3] ~= '0' and redis.call('TTL', key) < tonumber(ARGV[3]) then redis.call('EXPIRE', key, ARGV[4]) end
local now = redis.call('TIME')
return {entries, marker, now[1] * 1000 + math.floor(now[2] / 1000)}
"""
)

# KEYS timeline, lease; ARGV its cuts as they were read (24 bytes), its new cuts, end of the lease in milliseconds since 1970.
# Does nothing if the timeline has other cuts by then. Returns whether it was leased.
RENEW_LEASE = (
    _RANK
    + _MARKER
    + """
local marker = marker_of(KEYS[1])
if not marker or token_of(marker) ~= LIVE or string.sub(marker, 41, 64) ~= ARGV[1] then return 0 end
if ARGV[2] ~= ARGV[1] then
  redis.call('LSET', KEYS[1], -1, string.sub(marker, 1, 40) .. ARGV[2] .. string.sub(marker, 65))
end
redis.call('SET', KEYS[2], '1', 'PXAT', ARGV[3])
return 1
"""
)

# KEYS timelines; ARGV entry, length, slack. Adds the entry to each existing timeline with a lower floor. A timeline is only cut
# once it is `slack` over its length, so that most pushes do not pay for a cut. The marker takes the place of the first that goes.
PUSH = (
    _RANK
    + """
local entry, length, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local e1, e2, e3 = struct.unpack('>I6I6I4', entry)
local function insert(key, known_above)
  local rank = rank_of(entry, in_list(key), known_above)
  local lower = redis.call('LINDEX', key, rank)
  if lower == entry or (#lower > 16 and not is_above(entry, string.sub(lower, 1, 16))) then return 0 end
  return redis.call('LINSERT', key, 'BEFORE', lower, entry)
end
local function cut(key)
  local marker, floor = redis.call('LINDEX', key, -1), redis.call('LINDEX', key, length)
  redis.call('LTRIM', key, 0, length)
  redis.call('LSET', key, -1, floor .. string.sub(marker, 17))
end
for _, key in ipairs(KEYS) do
  local newest = redis.call('LINDEX', key, 0)
  if newest and newest ~= entry then
    local size
    if #newest > 16 then
      size = insert(key, 0)
    elseif is_below(newest, e1, e2, e3) then
      size = redis.call('LPUSH', key, entry)
    else
      size = insert(key, 1)
    end
    if size - 1 > length + slack then cut(key) end
  end
end
"""
)

# KEYS timeline; ARGV length, floor, entries… Adds entries to an existing timeline and raises its floor.
BACKFILL = (
    _CHANGE
    + """
local marker = marker_of(KEYS[1])
if not marker then return 0 end
marker = with_floor(marker, higher(ARGV[2], floor_of(marker)))
merge(KEYS[1], marker, part(3, #ARGV - 2), tonumber(ARGV[1]))
return 1
"""
)

# KEYS timeline; ARGV author (8 bytes). Adds a pulled author to an existing timeline.
PULL = (
    _RANK
    + _MARKER
    + """
local marker = marker_of(KEYS[1])
if not marker then return 0 end
redis.call('LSET', KEYS[1], -1, with_pulled(marker, {ARGV[1]}))
return 1
"""
)

# KEYS timeline; ARGV known position (16 bytes), new number (8 bytes), length, floor, number of authors to pull, of authors
# to push again, those authors (8 bytes each), entries… Brings a live timeline up to a change of the celebrities' log,
# atomically. A timeline that was rebuilt meanwhile is accepted if it knows at least as much of the log as the caller did.
INTEGRATE = (
    _CHANGE
    + """
local key, known, new = KEYS[1], ARGV[1], ARGV[2]
local marker = marker_of(key)
if not marker or token_of(marker) ~= LIVE or life_of(marker) ~= string.sub(known, 1, 8) then return 0 end
if is_later(string.sub(known, 9), seq_of(marker)) or not is_later(new, seq_of(marker)) then return 0 end
local pull, push, gone = tonumber(ARGV[5]), tonumber(ARGV[6]), {}
for _, author in ipairs(part(7 + pull, push)) do gone[author] = true end
marker = without_pulled(with_pulled(marker, part(7, pull)), gone)
marker = higher(ARGV[4], floor_of(marker)) .. life_of(marker) .. new .. string.sub(marker, 33)
merge(key, marker, part(7 + pull + push, #ARGV - 6 - pull - push), tonumber(ARGV[3]))
return 1
"""
)

# KEYS timeline; ARGV token (8 bytes), lowest token of a build that may still be running, time to live in seconds,
# position in the celebrities' log (16 bytes), lowest number of a change that is good enough (8 bytes), cuts (24 bytes; none in an
# author timeline). Starts the build of a timeline that is absent, knows another log or too little of this one, or whose builder
# is dead. Returns whether the caller builds it.
BEGIN_BUILD = (
    _RANK
    + _MARKER
    + """
local key, token, position = KEYS[1], ARGV[1], ARGV[4]
local marker = marker_of(key)
if marker and (life_of(marker) ~= string.sub(position, 1, 8) or is_later(ARGV[5], seq_of(marker))) then
  redis.call('DEL', key)
  marker = nil
end
if marker and token_of(marker) == LIVE then return 0 end
if marker and token_of(marker) ~= token and is_later(token_of(marker), ARGV[2]) then return 0 end
if marker then
  redis.call('LSET', key, -1, floor_of(marker) .. position .. token .. string.sub(marker, 41))
else
  redis.call('RPUSH', key, string.rep('\\0', 16) .. position .. token .. ARGV[6])
end
redis.call('EXPIRE', key, ARGV[3])
return 1
"""
)

# KEYS timeline; ARGV token, new token, time to live in seconds. Gives a build that its builder still holds a new token.
RENEW_BUILD = (
    _RANK
    + _MARKER
    + """
local marker = marker_of(KEYS[1])
if not marker or token_of(marker) ~= ARGV[1] then return 0 end
redis.call('LSET', KEYS[1], -1, with_token(marker, ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# KEYS timeline; ARGV token, length, floor, time to live in seconds, cut (8 bytes; none in an author timeline), number of
# pulled authors, those authors (8 bytes each), entries… Makes a timeline live if its builder still holds it. If it is absent it
# stays absent, because pushes may have been missed. Its cut counts as seen now and not as known: during the build, a worker that
# read the graph before the cut may have pushed a post of who was cut.
FINISH_BUILD = (
    _CHANGE
    + """
local key, pulled = KEYS[1], tonumber(ARGV[6])
local marker = marker_of(key)
if not marker or token_of(marker) ~= ARGV[1] then return 0 end
if #ARGV[5] > 0 and ARGV[5] ~= LIVE then
  local time = redis.call('TIME')
  local now = struct.pack('>I8', time[1] * 1000 + math.floor(time[2] / 1000))
  marker = string.sub(marker, 1, 40) .. LIVE .. ARGV[5] .. now .. string.sub(marker, 65)
end
marker = with_pulled(with_token(marker, LIVE), part(7, pulled))
marker = with_floor(marker, higher(ARGV[3], floor_of(marker)))
merge(key, marker, part(7 + pulled, #ARGV - 6 - pulled), tonumber(ARGV[2]))
redis.call('EXPIRE', key, ARGV[4])
return 1
"""
)

# KEYS timeline; ARGV token. Removes a timeline if its builder still holds it.
ABANDON_BUILD = """
local marker = redis.call('LINDEX', KEYS[1], -1)
if marker and string.sub(marker, 33, 40) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

# KEYS timeline; ARGV authors (8 bytes each). Looks at every entry, as a timeline has few.
REMOVE_AUTHORS = (
    _CHANGE
    + """
local marker = marker_of(KEYS[1])
if not marker then return end
local held, kept, gone = redis.call('LRANGE', KEYS[1], 0, -2), {}, {}
for _, author in ipairs(ARGV) do gone[author] = true end
for _, entry in ipairs(held) do
  if not gone[string.sub(entry, 9)] then kept[#kept + 1] = entry end
end
local new = without_pulled(marker, gone)
if #kept ~= #held or new ~= marker then write(KEYS[1], kept, new) end
"""
)
