"""ETags: callers that poll get a short answer while nothing has changed.

In gRPC they are fields. A REST call has headers instead, from which the edge makes a 304.
"""

import re
from typing import Any

import xxhash

from meshkit.call import current_call

ETAG_KEY = "etag"
NOT_MODIFIED_KEY = "lensfeed-not-modified"
_OPAQUE = re.compile(r'"([^"]*)"')


def etag_of(answer: bytes) -> str:
    """Return the ETag of a serialized answer. It is weak, because one answer has several encodings.

    XXH3 reads a page forty times as fast as SHA-256. It is no secret and proves nothing: whoever writes two captions with one
    hash only keeps apps from noticing the second one.
    """
    return f'W/"{xxhash.xxh3_128_hexdigest(answer)}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Tell whether the caller has this answer: by the request's field or, in REST, its header."""
    call = current_call()
    known = if_none_match or (call.if_none_match if call.is_rest else "")
    return known.strip() == "*" or (bool(known) and _opaque(etag) in _OPAQUE.findall(known))


async def compare_etag(answer: bytes, if_none_match: str, context: Any) -> tuple[str, bool]:
    """Return the ETag of a serialized answer, and whether the answer is new to the caller. A REST call gets its headers here."""
    etag = etag_of(answer)
    is_modified = not is_known(etag, if_none_match)
    await _send_headers(context, etag, is_modified=is_modified)
    return etag, is_modified


async def _send_headers(context: Any, etag: str, *, is_modified: bool) -> None:
    """Send the headers of a REST answer. Other callers read the fields: separate headers would cost each call time."""
    if current_call().is_rest:
        mark = () if is_modified else ((NOT_MODIFIED_KEY, "1"),)
        await context.send_initial_metadata(((ETAG_KEY, etag), *mark))


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
