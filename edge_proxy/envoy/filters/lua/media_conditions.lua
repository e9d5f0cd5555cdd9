-- Answers conditional requests for media. Runs once for each attempt to read from the store, on the same request headers.
--
-- The store takes a date that is none for an error, knows no weak tags and no If-Range, and its 304 has no Cache-Control. So the
-- first attempt asks for the headers only and decides; where the file is to be sent, RETRY makes the router try again. Its 416 has no
-- Cache-Control either, so the headers are asked for afterwards: the range of a private file must not tell that there is one.

-- For the router, which retries, and for the filter that replaces errors (media.py).
local RETRY, FAILED = "418", "417"
-- The value that makes Envoy's cache pass a request on that it would answer in spite of its conditions.
local BYPASS = "-"
local MONTHS = {
  Jan = "01", Feb = "02", Mar = "03", Apr = "04", May = "05", Jun = "06",
  Jul = "07", Aug = "08", Sep = "09", Oct = "10", Nov = "11", Dec = "12",
}
local CONDITIONS = {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
local ASKED = "x-lensfeed-asked"
-- What Envoy's signature adds. It would add them again to the next attempt.
local SIGNATURE = {"authorization", "x-amz-content-sha256", "x-amz-date"}
-- The attempts of a request share its metadata. Without a method in it there is nothing to decide.
local METADATA = "lensfeed.conditions"
-- Set once the store has refused the range of a request.
local RANGE = "lensfeed.range"

-- Returns an HTTP date in a form that can be compared; nil for anything else, which RFC 9110 tells to ignore.
local function date(text)
  local day, month, year, hour, minute, second =
    string.match(text or "", "^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  if not day or not MONTHS[month] or day < "01" or day > "31" or hour > "23" or minute > "59" or second > "60" then return nil end
  return year .. MONTHS[month] .. day .. hour .. minute .. second
end

local function has_tag(list, tag, is_weak)
  if list == "*" then return true end
  for weak, each in string.gmatch(list, '(W?/?)("[^"]*")') do
    if each == tag and (is_weak or weak == "") then return true end
  end
  return false
end

-- RFC 9110, 13.2.2.
local function decide(conditions, tag, modified)
  local matches, unmodified = conditions["if-match"], date(conditions["if-unmodified-since"])
  if matches then
    if not has_tag(matches, tag, false) then return FAILED end
  elseif unmodified and modified and modified > unmodified then
    return FAILED
  end
  local none, since = conditions["if-none-match"], date(conditions["if-modified-since"])
  if none then return has_tag(none, tag, true) and "304" or RETRY end
  return since and modified and modified <= since and "304" or RETRY
end

local function ask(handle, headers)
  local conditions, is_conditional = {}, false
  for _, name in ipairs(CONDITIONS) do
    conditions[name] = headers:get(name)
    is_conditional = is_conditional or conditions[name] ~= nil
    headers:remove(name)
  end
  local range = headers:get("if-range")
  if range == BYPASS then range = nil end
  headers:remove("if-range")
  if is_conditional then
    headers:add(ASKED, headers:get(":method"))
    headers:replace(":method", "HEAD")
    if range then headers:remove("range") end
    local metadata = handle:streamInfo():dynamicMetadata()
    for name, value in pairs(conditions) do metadata:set(METADATA, name, value) end
    metadata:set(METADATA, "method", headers:get(ASKED))
  elseif range and headers:get("range") then
    -- The store refuses with 412 where the tag is another one, and the next attempt asks for the whole file.
    if string.find(range, '^"') then
      headers:add("if-match", range)
      headers:add(ASKED, "if-range")
    else
      headers:remove("range")
    end
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  for _, name in ipairs(SIGNATURE) do headers:remove(name) end
  local asked = headers:get(ASKED)
  if handle:streamInfo():dynamicMetadata():get(RANGE) then
    for _, name in ipairs({ASKED, "range", "if-match"}) do headers:remove(name) end
    return headers:replace(":method", "HEAD")
  end
  if not asked then return ask(handle, headers) end
  headers:remove(ASKED)
  if asked == "if-range" then
    headers:remove("range")
    headers:remove("if-match")
  else
    headers:replace(":method", asked)
    handle:streamInfo():dynamicMetadata():set(METADATA, "method", "")
  end
end

function envoy_on_response(handle)
  local metadata, headers = handle:streamInfo():dynamicMetadata(), handle:headers()
  if metadata:get(RANGE) then
    if headers:get(":status") == "200" then headers:replace(":status", "416") end
    return headers:remove("content-length")
  end
  -- What the cache asks for has another metadata, and the router does not try it again.
  if headers:get(":status") == "416" and metadata:get("lensfeed.media") then
    metadata:set(RANGE, "is_refused", true)
    return headers:replace(":status", RETRY)
  end
  local conditions = metadata:get(METADATA)
  if not conditions or conditions["method"] == "" or headers:get(":status") ~= "200" then return end
  local status = decide(conditions, headers:get("etag"), date(headers:get("last-modified")))
  if status == RETRY and conditions["method"] == "HEAD" then return end
  headers:replace(":status", status)
  headers:remove("content-length")
end
