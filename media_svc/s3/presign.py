"""Presign PUTs for S3 (Signature Version 4 in the query), for little time each: an upload of 4 GB has 477 parts.

botocore derives the signing key and builds a request for each URL. Here the key is derived once a day, and a URL costs one hash
and one HMAC.
"""

import functools
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What S3 leaves unescaped in a path and in a query.
_SAFE_IN_PATH, _SAFE_IN_QUERY = "/-._~", "-._~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key for the S3 of a region."""

    access_key: str
    secret_key: str
    region: str


class Presigner:
    """Signs URLs under `base_url`, in which the bucket is the first part of the path."""

    def __init__(self, base_url: str, bucket: str, credentials: Credentials) -> None:
        parts = urlsplit(base_url)
        is_default = parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)}
        self._host = (parts.hostname or "") if is_default else f"{parts.hostname}:{parts.port}"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._root = f"{parts.path.rstrip('/')}/{bucket}/"
        self._credentials = credentials
        self._day, self._key = "", b""

    def sign_put(
        self, key: str, headers: Mapping[str, str], seconds: int, now: datetime, query: Mapping[str, str] | None = None
    ) -> str:
        """Return a URL for a PUT that sends exactly these headers (in lower case). `now` is in UTC."""
        signed = {"host": self._host, **headers}
        names = sorted(signed)
        path = _path(self._root + key)
        moment = _moment(now)
        scope = f"{moment[:8]}/{self._credentials.region}/s3/aws4_request"
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self._credentials.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(names),
        }
        canonical = "&".join(sorted(f"{_escaped(name)}={_escaped(value)}" for name, value in parameters.items()))
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        request = f"PUT\n{path}\n{canonical}\n{lines}\n{';'.join(names)}\nUNSIGNED-PAYLOAD"
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        return f"{self._origin}{path}?{canonical}&X-Amz-Signature={_hmac(self._key_of(moment[:8]), text).hex()}"

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._credentials.secret_key}".encode()
            for each in (day, self._credentials.region, "s3", "aws4_request"):
                key = _hmac(key, each)
            self._day, self._key = day, key
        return self._key


def utc_now() -> datetime:
    """Return the current time as signatures need it."""
    return datetime.now(UTC)


# The parts of an upload share all but two values.
@functools.lru_cache(maxsize=1024)
def _escaped(text: str) -> str:
    return quote(text, safe=_SAFE_IN_QUERY)


@functools.lru_cache(maxsize=16)
def _path(text: str) -> str:
    return quote(text, safe=_SAFE_IN_PATH)


@functools.lru_cache(maxsize=16)
def _moment(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
