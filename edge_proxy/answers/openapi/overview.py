"""What is true of all methods, in Markdown: the first words of the document and of docs/api.md."""

from edge_proxy.settings.rates import RateSettings

_USER, _ADDRESS, _LOG_IN = (
    RateSettings.model_fields[name].default for name in ("edge_limit_user", "edge_limit_address", "edge_limit_log_in")
)

OVERVIEW = f"""\
Every method can be called in three ways, with the same answers and the same errors: REST with JSON, gRPC, and gRPC-Web.

**JSON** is that of proto3: names in lowerCamelCase, 64-bit numbers as strings, moments in RFC 3339, bytes in base64, enum
values by name. A field that is empty is printed (`""`, `"0"`, `false`, `[]`); one that does not apply is absent. A body may leave
out what is not required, an unknown field with a name is ignored, and `null` is the same as absent. An unknown query
parameter is an error. A body has at most 1 MiB.

**Tokens.** `POST /users` signs up and `POST /sessions` logs in. Send the access token as `Authorization: Bearer …`; it is good
for 15 minutes, and `POST /sessions/refresh` trades the refresh token, once, for new ones.

**Pages.** Lists take `limit` (1 to 100, 20 by default) and `cursor`. Pass `nextCursor` on as it is until it is absent: that is
the end. A cursor keeps its position for ever, for the user that it was given to.

**Errors** are a `google.rpc.Status`: `{{code, message, details}}`. A program goes by the `reason` of the detail ErrorInfo; a
BadRequest names the fields that are wrong; a RetryInfo, and the header `Retry-After`, say when to come again.

**Limits.** A call costs points: a read 1, a change 3, a sign-up or a log-in 10. By default a user has `{_USER}`, an address
`{_ADDRESS}`, and an address has `{_LOG_IN}` for sign-ups and log-ins: `20/s burst 600` is 600 at once and 20 more
with each second. Media, `/healthz` and this document cost nothing.

**Repeating.** A method that is repeatable does the same when called twice, and may be called again after any failure.
`POST /posts` is repeatable with the header `Idempotency-Key`.
"""
