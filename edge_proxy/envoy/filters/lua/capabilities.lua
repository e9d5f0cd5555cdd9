-- Puts a JSON Web Token together from the path of a private medium, for the filter after this one (capabilities.py).
--
-- The medium in the token is the one that the path asks for, so a signature fits no other medium and no other expiry.

local CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
-- Twelve bits at once: two characters.
local PAIRS = {}
for i = 0, 4095 do
  local high, low = math.floor(i / 64) + 1, i % 64 + 1
  PAIRS[i] = string.sub(CODE, high, high) .. string.sub(CODE, low, low)
end

-- Returns base64url of a JSON object. Spaces before the brace make it a multiple of three bytes, so that nothing is cut off.
local function encode(object)
  local text = object .. string.rep(" ", (2 - #object) % 3) .. "}"
  local parts = {}
  for i = 1, #text, 3 do
    local a, b, c = string.byte(text, i, i + 2)
    local low = b % 16
    parts[#parts + 1] = PAIRS[a * 16 + (b - low) / 16]
    parts[#parts + 1] = PAIRS[low * 256 + c]
  end
  return table.concat(parts)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local kid, expiry, mac, medium, rest =
    string.match(headers:get(":path"), "^/p/(%l+)(%d+)%.([%w_-]+)/([%w_-]+)(/[%w._/-]+)$")
  if not kid then return end
  local head = encode('{"alg":"HS256","kid":"' .. kid .. '"')
  local payload = encode('{"iss":"media","sub":"' .. medium .. '","exp":' .. expiry)
  headers:replace("x-lensfeed-capability", head .. "." .. payload .. "." .. mac)
  -- For the log: whoever reads it must not be able to open the file.
  headers:replace("x-envoy-original-path", "/p/-/" .. medium .. rest)
end
