-- Checks REST requests against the contracts before the transcoder, which is lenient: it lets the query override path and body,
-- takes a single value for a list, and does not say which field is wrong. rest_schema.py generates `methods` and `messages`.

local byte, find, gsub, match, sub = string.byte, string.find, string.gsub, string.match, string.sub

local OTHER_PATHS = {"^/m/", "^/p/", "^/docs$", "^/docs/", "^/openapi%.json$", "^/healthz$"}
-- The largest values without their sign, positive and negative.
local RANGES = {
  int32 = {"2147483647", "2147483648"},
  int64 = {"9223372036854775807", "9223372036854775808"},
  uint32 = {"4294967295", "0"},
  uint64 = {"18446744073709551615", "0"},
}
local UTF8 = {
  "^[\194-\223][\128-\191]",
  "^\224[\160-\191][\128-\191]",
  "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]",
}

local function fail(text, field)
  error({text = text, field = field or ""}, 0)
end

local function is_utf8(text)
  local at = find(text, "[\128-\255]")
  while at do
    local last
    for _, sequence in ipairs(UTF8) do
      last = last or select(2, find(text, sequence, at))
    end
    if not last then return false end
    at = find(text, "[\128-\255]", last + 1)
  end
  return true
end

local function is_integer(text, kind)
  local sign, digits = match(text, "^(-?)0*(%d*)$")
  if not sign or not find(text, "%d") then return false end
  local largest = RANGES[kind][sign == "-" and 2 or 1]
  return #digits < #largest or (#digits == #largest and digits <= largest)
end

local function decode(text)
  return (gsub(text, "%%(%x%x)", function(code) return string.char(tonumber(code, 16)) end))
end

local function check_text(place, field, encoded)
  local value = decode(encoded)
  local name = place .. " '" .. field.json .. "'"
  if not is_utf8(value) then fail(name .. " is not UTF-8", field.name) end
  if RANGES[field.kind] and not is_integer(value, field.kind) then
    fail(name .. " is not an integer in range (" .. field.kind .. ")", field.name)
  end
  if field.kind == "bool" and value ~= "true" and value ~= "false" then
    fail(name .. " is not true or false", field.name)
  end
end

local function check_query(method, query)
  for pair in string.gmatch(query, "[^&]+") do
    local name, value = match(pair, "^([^=]*)=?(.*)$")
    name = decode(name)
    local field = method.query[name]
    if not field then
      local shown = sub(gsub(name, "[^%w_.%-]", "?"), 1, 64)
      fail("unknown query parameter '" .. shown .. "'", shown)
    end
    check_text("query parameter", field, value)
  end
end

-- The functions below walk JSON that a strict parser has accepted. `at` is the position of a value's first character; they
-- return the position after the value.

local function skip_space(text, at)
  return (find(text, "[^ \t\r\n]", at))
end

local function skip_string(text, at)
  at = at + 1
  while true do
    at = find(text, '["\\]', at)
    if byte(text, at) == 34 then return at + 1 end
    at = at + 2
  end
end

local function skip_value(text, at)
  local first = sub(text, at, at)
  if first == '"' then return skip_string(text, at) end
  if first ~= "{" and first ~= "[" then return (find(text, "[,%]} \t\r\n]", at)) or #text + 1 end
  local depth = 0
  repeat
    at = find(text, '["{}%[%]]', at)
    local found = sub(text, at, at)
    if found == '"' then
      at = skip_string(text, at)
    else
      depth = depth + ((found == "{" or found == "[") and 1 or -1)
      at = at + 1
    end
  until depth == 0
  return at
end

local check_message

local function check_number(text, at, after, field)
  local literal = match(sub(text, at, after - 1), '^"?([^"]*)"?$')
  -- proto3's JSON allows 1e3 and 7.0, too.
  local number = find(literal, "[.eE]") and sub(text, at, at) ~= '"' and tonumber(literal)
  if number and number % 1 == 0 then literal = string.format("%.0f", number) end
  if not is_integer(literal, field.kind) then
    fail("field '" .. field.json .. "' must be an integer in range (" .. field.kind .. ")", field.name)
  end
end

local FIRST = {
  string = '^"', bytes = '^"', bool = "^[tf]", enum = '^["%d-]', message = "^{", map = "^{", time = '^"', double = '^["%d-]',
  int32 = '^["%d-]', int64 = '^["%d-]', uint32 = '^["%d]', uint64 = '^["%d]',
}

local function check_single(text, at, field)
  if not find(text, FIRST[field.kind], at) then
    fail("field '" .. field.json .. "' has the wrong type, it must be " .. field.kind, field.name)
  end
  if field.kind == "message" then return check_message(text, at, messages[field.message]) end
  local after = skip_value(text, at)
  if RANGES[field.kind] then check_number(text, at, after, field) end
  return after
end

local function check_field(text, at, field)
  if sub(text, at, at) == "n" then return at + 4 end
  if not field.is_list then return check_single(text, at, field) end
  if sub(text, at, at) ~= "[" then fail("field '" .. field.json .. "' must be a list", field.name) end
  at = skip_space(text, at + 1)
  while sub(text, at, at) ~= "]" do
    at = skip_space(text, check_single(text, at, field))
    if sub(text, at, at) == "," then at = skip_space(text, at + 1) end
  end
  return at + 1
end

function check_message(text, at, message)
  local seen = {}
  at = skip_space(text, at + 1)
  while sub(text, at, at) ~= "}" do
    local after = skip_string(text, at)
    local name = gsub(sub(text, at + 1, after - 2), "\\u00(%x%x)", function(code) return string.char(tonumber(code, 16)) end)
    local field = message[name]
    at = skip_space(text, skip_space(text, after) + 1)
    if not field then
      at = skip_value(text, at)
    else
      if seen[field.name] then fail("field '" .. field.json .. "' is given twice", field.name) end
      seen[field.name] = true
      at = check_field(text, at, field)
    end
    at = skip_space(text, at)
    if sub(text, at, at) == "," then at = skip_space(text, at + 1) end
  end
  return at + 1
end

local function check_body(handle, method)
  local body = handle:body()
  if not body or body:length() == 0 then return end
  if (handle:streamInfo():dynamicMetadata():get("lensfeed.json") or {})["state"] == "malformed" then
    fail("the body is not valid JSON in UTF-8, or has a number above 64 bits")
  end
  local text = body:getBytes(0, body:length())
  local at = skip_space(text, 1)
  if sub(text, at, at) ~= "{" then fail("the body is not a JSON object") end
  at = check_message(text, at, messages[method.message])
  if skip_space(text, at) then fail("the body is not a single JSON object") end
end

local function find_method(verb, path)
  for _, method in ipairs(methods[verb] or {}) do
    local values = {match(path, method.pattern)}
    if values[1] then return method, values end
  end
end

local function check(handle, method, values, query)
  for number, field in ipairs(method.path) do
    check_text("path value", field, values[number])
  end
  check_query(method, query)
  if method.message then check_body(handle, method) end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if find(headers:get("content-type") or "", "^application/grpc") then return end
  local path, query = match(headers:get(":path"), "^([^?]*)%??(.*)$")
  local method, values = find_method(headers:get(":method"), path)
  if not method then
    for _, other in ipairs(OTHER_PATHS) do
      if find(path, other) then return end
    end
    -- Nothing that is not checked may reach the transcoder.
    return handle:respond({[":status"] = "404"}, "")
  end
  local is_good, problem = pcall(check, handle, method, values, query)
  -- Reading the body ends the life of `headers`.
  if is_good then return handle:headers():replace("x-lensfeed-rest", "1") end
  if type(problem) ~= "table" then
    handle:logErr("cannot check a request: " .. tostring(problem))
    return handle:respond({[":status"] = "500"}, "")
  end
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("lensfeed.malformed", "text", problem.text)
  metadata:set("lensfeed.malformed", "field", problem.field)
  handle:respond({[":status"] = "400"}, "")
end
