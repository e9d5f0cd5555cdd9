"""The attributes of calls in metrics and traces, by the semantic conventions for RPC."""

from typing import Any

import grpc

# What the edge calls for REST in place of a public method (lensfeed/feed/v1/feed_edge_service.proto).
_EDGE_SERVICE, _EDGE_SUFFIX = "EdgeService", "Json"


def public_name(path: str) -> str:
    """Return a method as metrics and traces name it: `lensfeed.feed.v1.FeedService/GetFeed`.

    The form of a method that the edge calls for REST has the name of the method it stands for.
    """
    service, _, name = path.lstrip("/").partition("/")
    if service.endswith(_EDGE_SERVICE) and name.endswith(_EDGE_SUFFIX):
        return f"{service.removesuffix(_EDGE_SERVICE)}Service/{name.removesuffix(_EDGE_SUFFIX)}"
    return f"{service}/{name}"


class CallAttributes(dict[Any, dict[str, str]]):
    """The attributes of one method's calls by their status, made once for each status."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._method = public_name(path)

    def __missing__(self, code: Any) -> dict[str, str]:
        """Make the attributes of a status. A handler that sets its own may use a number."""
        made = self[code] = {
            "rpc.system.name": "grpc",
            "rpc.method": self._method,
            "rpc.response.status_code": code.name if isinstance(code, grpc.StatusCode) else str(code),
        }
        return made
