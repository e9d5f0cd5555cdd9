-- Runs before other filters change anything: HEAD becomes GET for methods of the contracts, and the scheme of a token may have
-- any case. rest_schema.py generates `readable`, the paths of GET.

local METADATA = "lensfeed.early"

local function is_readable(path)
  path = string.match(path, "^[^?]*")
  for _, pattern in ipairs(readable) do
    if string.find(path, pattern) then return true end
  end
  return false
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local scheme, token = string.match(headers:get("authorization") or "", "^(%a+) +(.*)$")
  if scheme and scheme ~= "Bearer" and string.lower(scheme) == "bearer" then
    headers:replace("authorization", "Bearer " .. token)
  end
  if headers:get(":method") == "HEAD" and is_readable(headers:get(":path")) then
    headers:replace(":method", "GET")
    handle:streamInfo():dynamicMetadata():set(METADATA, "is_head", true)
  end
end

function envoy_on_response(handle)
  local metadata = handle:streamInfo():dynamicMetadata():get(METADATA)
  if not metadata or not metadata["is_head"] then return end
  for chunk in handle:bodyChunks() do chunk:setBytes("") end
end
