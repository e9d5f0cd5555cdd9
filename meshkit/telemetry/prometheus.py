"""Serves a process's metrics to Prometheus: `GET /metrics` over HTTP, in a thread of its own.

The address is loopback unless the operator chooses another. There a web page that is open in a local browser could ask for
metrics, so requests that a page makes are refused, by their headers and, against DNS rebinding, by the name they ask for.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from meshkit.listen_address import is_local

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/metrics"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A client that sends nothing holds a thread for this long.
SILENCE_SECONDS = 5.0
# Requests at once, each in a thread: a few Prometheus servers and a person. More are closed unread, so that whoever reaches the
# port cannot fill a service's memory with threads.
MAX_REQUESTS = 16


@contextlib.contextmanager
def serving_metrics(address: str | None) -> Iterator[str | None]:
    """Serve metrics on host:port during the block. Yields the address with the port that was taken; without one, does nothing.

    Raises OSError if the port is in use.
    """
    if address is None:
        yield None
        return
    server = _server(address)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield f"{address.rpartition(':')[0]}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def guarded(app: "WSGIApplication", *, is_loopback: bool) -> "WSGIApplication":
    """Wrap an application that serves metrics, so that it answers only GET /metrics, and no web page."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if refusal := _refusal(environ, is_loopback=is_loopback):
            start(refusal, [("Content-Type", "text/plain")])
            return [refusal.encode()]
        return app(environ, start)

    return answer


def _refusal(environ: "WSGIEnvironment", *, is_loopback: bool) -> str:
    """Return the status of a request that is refused, or nothing."""
    name = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
    is_from_page = "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none"
    if is_from_page or (is_loopback and name not in LOCAL_NAMES):
        return "403 Forbidden"
    if environ["PATH_INFO"] != PATH:
        return "404 Not Found"
    return "" if environ["REQUEST_METHOD"] == "GET" else "405 Method Not Allowed"


def _server(address: str) -> Any:
    # Imported here because most processes of a test or a command serve no metrics.
    from socket import AF_INET, AF_INET6
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from prometheus_client import make_wsgi_app
    from prometheus_client.exposition import ThreadingWSGIServer

    class Server(ThreadingWSGIServer):
        address_family = AF_INET6 if address.startswith("[") else AF_INET
        free = threading.BoundedSemaphore(MAX_REQUESTS)

        def process_request(self, request: Any, client_address: Any) -> None:
            """Answer in a thread, or close the connection if too many are busy."""
            if self.free.acquire(blocking=False):
                super().process_request(request, client_address)
            else:
                self.shutdown_request(request)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            """Answer, and make room for another request."""
            try:
                super().process_request_thread(request, client_address)
            finally:
                self.free.release()

    class Handler(WSGIRequestHandler):
        timeout = SILENCE_SECONDS

        def address_string(self) -> str:
            """Return the client's address, without asking DNS for its name."""
            return str(self.client_address[0])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
            """Log nothing: a scrape is no news."""

    host, _, port = address.rpartition(":")
    app = guarded(make_wsgi_app(), is_loopback=is_local(address))
    return make_server(host.strip("[]"), int(port), app, Server, Handler)
