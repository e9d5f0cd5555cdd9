"""A command's connection to a server, and the exit code of its failure."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import grpc
import stamina
import typer

from lensfeed_client import FileSessions, Lensfeed, LensfeedError
from lensfeed_client.commands.display.output import Output
from lensfeed_client.commands.errors.refusal import Refusal, not_logged_in, refusal_of, unreachable, usage_error
from lensfeed_client.commands.state.state_folder import last_url, sessions_file

_PROBE_SECONDS = 3.0
_LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}


@contextlib.contextmanager
def connected(url: str | None, out: Output, *, needs_login: bool = True) -> Iterator[tuple[Lensfeed, str]]:
    """Connect to the server and yield it with its URL. Errors are printed and set the exit code."""
    stamina.instrumentation.set_on_retry_hooks([])  # keep its log lines out of the results
    with reporting_errors(out):
        address = address_of(url or last_url())
        if not _listens(address):
            raise unreachable(address)  # fail at once, without the library's retries
        sessions = FileSessions(sessions_file())
        if needs_login and sessions.load(address) is None:
            raise not_logged_in(address)
        with answered_by(address), Lensfeed(address, sessions=sessions) as mesh:
            yield mesh, address


@contextlib.contextmanager
def reporting_errors(out: Output) -> Iterator[None]:
    """Print an error and exit with its code."""
    try:
        yield
    except Refusal as refusal:
        out.refuse(refusal)
        raise typer.Exit(refusal.exit_code) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise  # the reader has seen enough, as in `lensfeed feed | head`
        out.refuse(
            Refusal("UNKNOWN", "FILE_TROUBLE", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        )
        raise typer.Exit(1) from None


@contextlib.contextmanager
def answered_by(address: str) -> Iterator[None]:
    """Turn library errors into ones for people; if nothing listens, say so instead."""
    try:
        yield
    except LensfeedError as error:
        if error.code is grpc.StatusCode.UNAVAILABLE and not _listens(address):
            raise unreachable(address) from error
        raise refusal_of(error) from error


def warn_of_plain_http(address: str, out: Output) -> None:
    """Warn if a password would cross a network unencrypted."""
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
        out.note(f"note: {address} is not https, so others on the network can read the password")


def address_of(url: str) -> str:
    """Return a server's URL in normal form, which is the key of its session."""
    try:
        parts = urlsplit(url.strip())
        is_one = parts.scheme in _PORTS and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        is_one = False
    if not is_one or parts.path.strip("/") or parts.query:
        raise usage_error("URL_INVALID", f"{url!r} is not a server URL", "write one like http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _listens(address: str) -> bool:
    """Tell whether something accepts connections. Assume so behind a proxy."""
    parts = urlsplit(address)
    if parts.scheme in getproxies() and not proxy_bypass(str(parts.hostname)):
        return True
    try:
        socket.create_connection((parts.hostname, parts.port or _PORTS[parts.scheme]), _PROBE_SECONDS).close()
    except OSError:
        return False
    return True
