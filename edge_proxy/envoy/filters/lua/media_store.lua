-- Sets the store's path, hides private files, and replaces the store's errors, which are XML with internal names.
--
-- Runs around the cache, which requests the store by this path. media.py puts `bucket`, `host` and `answers` before it, and `hidden`
-- for `/m/…`, `private_age` for `/p/…`.

-- The store says why it refuses a key only in the body of a GET. One line a minute and thread is enough.
local LOG_EVERY_MS = 60000
local logged_ms = -LOG_EVERY_MS
-- What would describe the file instead of the error.
local OF_THE_FILE = {
  "accept-ranges", "cdn-cache-control", "content-disposition", "content-encoding", "content-length", "content-range", "etag",
  "last-modified",
}

function envoy_on_request(handle)
  local headers = handle:headers()
  handle:streamInfo():dynamicMetadata():set("lensfeed.media", "method", headers:get(":method"))
  headers:replace(":path", bucket .. string.gsub(headers:get(":path"), "^/p/[^/]+", "/m"))
  headers:replace(":authority", host)
  -- Envoy's cache ignores these two. It passes requests with If-Range on to the store's filters (media_conditions.lua).
  if (headers:get("if-match") or headers:get("if-unmodified-since")) and not headers:get("if-range") then
    headers:add("if-range", "-")
  end
end

local function log_refused_key(handle, body)
  local reason = string.match(body, "<Code>(%w+)</Code>")
  local now = handle:timestamp()
  -- A missing file is AccessDenied for a key that may not list.
  if not reason or reason == "AccessDenied" or now < logged_ms + LOG_EVERY_MS then return end
  logged_ms = now
  handle:logErr("S3 refuses the edge's key: " .. reason .. "; every picture is MEDIA_NOT_FOUND")
end

function envoy_on_response(handle)
  local asked = handle:streamInfo():dynamicMetadata():get("lensfeed.media")
  -- A filter before this one has refused the request.
  if not asked then return end
  local headers = handle:headers()
  local status = headers:get(":status")
  local is_private = string.find(headers:get("cache-control") or "", "private", 1, true) ~= nil
  local answer = is_private and hidden or answers[status]
  if answer == nil then
    if private_age then
      headers:replace("cache-control", private_age)
      headers:replace("cdn-cache-control", "no-store")
    end
    return
  end
  local is_head = asked["method"] == "HEAD"
  local has_file = not is_head and (status == "200" or status == "206")
  for _, name in ipairs(OF_THE_FILE) do headers:remove(name) end
  headers:replace(":status", answer[1])
  headers:replace("content-type", "application/json")
  -- The same for a private file as for a missing one.
  headers:replace("cache-control", "no-store")
  if answer[2] ~= "" then headers:replace("retry-after", answer[2]) end
  -- Last, because waiting for the body makes the headers inaccessible.
  if is_head then return end
  if has_file then
    -- Not as a whole: a file may be larger than what the edge buffers.
    headers:replace("content-length", tostring(#answer[3]))
    local text = answer[3]
    for chunk in handle:bodyChunks() do
      chunk:setBytes(text)
      text = ""
    end
    return
  end
  local body = handle:body(true)
  if status == "403" then log_refused_key(handle, body:getBytes(0, body:length())) end
  body:setBytes(answer[3])
end
