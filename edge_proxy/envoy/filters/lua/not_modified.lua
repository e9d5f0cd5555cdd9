-- Makes a 304 of a REST response that a service marked as not modified (meshkit/etags.py).

local MARK = "lensfeed-not-modified"

function envoy_on_response(handle)
  local headers = handle:headers()
  if not headers:get(MARK) then return end
  headers:remove(MARK)
  -- REST only: gRPC libraries treat any status but 200 as a broken server.
  if string.find(headers:get("content-type") or "", "^application/grpc") then return end
  headers:replace(":status", "304")
  headers:remove("content-type")
  -- As on the answer itself, which is compressed.
  headers:replace("vary", "Accept-Encoding")
  local body = handle:body(true)
  body:setBytes("")
  handle:headers():remove("content-length")
end
