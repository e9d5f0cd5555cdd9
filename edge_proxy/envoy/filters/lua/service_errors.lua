-- Replaces errors that a service's gRPC library made: they have no details, and their text names internals.
-- service_errors.py generates `errors` by code, each as headers, and `malformed`, the code of BODY_MALFORMED.

local INTERNAL = "13"

local function complete(handle, headers)
  local code = headers:get("grpc-status")
  if not code or code == "0" or headers:get("grpc-status-details-bin") then return end
  local frame = handle:streamInfo():dynamicMetadata():get("lensfeed.frame")
  -- A library says so of a message that it cannot decompress.
  if code == INTERNAL and frame and frame["is_compressed"] then code = malformed end
  for name, value in pairs(errors[code] or errors[INTERNAL]) do headers:replace(name, value) end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  if not string.find(headers:get("content-type") or "", "^application/grpc") then return end
  if headers:get("grpc-status") then return complete(handle, headers) end
  local trailers = handle:trailers()
  if trailers then complete(handle, trailers) end
end
