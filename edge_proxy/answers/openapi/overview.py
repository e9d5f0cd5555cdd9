"""The introduction of the OpenAPI document and of docs/api.md, in Markdown."""

from edge_proxy.settings.rates import RateSettings

_USER, _ADDRESS, _LOG_IN = (
    RateSettings.model_fields[name].default for name in ("edge_limit_user", "edge_limit_address", "edge_limit_log_in")
)

OVERVIEW = f"""\
Every method is available as REST with JSON, gRPC and gRPC-Web, with the same responses and the same errors.

**JSON** follows proto3's mapping: lowerCamelCase names, 64-bit numbers as strings, times in RFC 3339, bytes in base64, enum
values by name. Empty fields are included (`""`, `"0"`, `false`, `[]`); fields that do not apply are absent. In a body, optional
fields may be missing, unknown fields are ignored, and `null` means absent. An unknown query parameter is an error. A body may
have up to 64 KiB, or more where the method says so.

**Tokens.** `POST /users` signs up and `POST /sessions` logs in. Send the access token as `Authorization: Bearer …`. It is valid
for 15 minutes. `POST /sessions/refresh` exchanges the refresh token, which works once, for new tokens.

**Pages.** Lists take `limit` (1 to 100, default 20) and `cursor`. Pass `nextCursor` back unchanged until it is absent, which
means the end. A cursor does not expire and works only for the user who received it.

**Polling.** The feed, lists of posts and posts have an `ETag`. Send it as `If-None-Match`: an unchanged answer is a 304 without
a body. gRPC has the fields `if_none_match`, `etag` and `not_modified` instead.

**Errors** are a `google.rpc.Status`: `{{code, message, details}}`. Programs should decide by the `reason` in ErrorInfo. A
BadRequest names the invalid fields. RetryInfo and the `Retry-After` header say when to retry.

**Limits.** A call costs points: a read 1, a change 3, a sign-up or log-in 10. By default a user has `{_USER}`, an address
`{_ADDRESS}`, and sign-ups and log-ins of an address have `{_LOG_IN}`. `20/s burst 600` means 600 points at once, refilled
by 20 a second. Media, `/healthz` and this document cost nothing.

**Retries.** After UNAVAILABLE nothing was begun, so any call may be repeated. After OUTCOME_UNKNOWN, a deadline or a lost
connection, a call may have been done: repeat it only if the method is repeatable, or was sent with the header `Idempotency-Key`.
`POST /sessions/refresh` may be repeated for 60 seconds.
"""
