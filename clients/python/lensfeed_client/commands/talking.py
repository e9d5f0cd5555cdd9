"""A command's talk with a server, from the first call to the exit code."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import grpc
import stamina
import typer

from lensfeed_client import FileSessions, Lensfeed, LensfeedError
from lensfeed_client.commands.output import Output
from lensfeed_client.commands.places import last_url, sessions_file
from lensfeed_client.commands.refusal import Refusal, misused, not_logged_in, refusal_of, unreachable

_KNOCK_SECONDS = 3.0
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}


@contextlib.contextmanager
def talking(url: str | None, out: Output, *, as_somebody: bool = True) -> Iterator[tuple[Lensfeed, str]]:
    """Give the server that is meant and its address; whatever goes wrong meanwhile is told, and becomes the exit code."""
    stamina.instrumentation.set_on_retry_hooks([])  # its log lines would stand among the results
    with told(out):
        address = address_of(url or last_url())
        if not _listens(address):
            raise unreachable(address)  # at once, without the patience that the library has with a server
        sessions = FileSessions(sessions_file())
        if as_somebody and sessions.load(address) is None:
            raise not_logged_in(address)
        with answered_by(address), Lensfeed(address, sessions=sessions) as mesh:
            yield mesh, address


@contextlib.contextmanager
def told(out: Output) -> Iterator[None]:
    """Tell a refusal and exit with its code."""
    try:
        yield
    except Refusal as refusal:
        out.refuse(refusal)
        raise typer.Exit(refusal.exit_code) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise  # who reads us has enough: that is no news
        out.refuse(
            Refusal("UNKNOWN", "FILE_TROUBLE", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        )
        raise typer.Exit(1) from None


@contextlib.contextmanager
def answered_by(address: str) -> Iterator[None]:
    """Put errors of the library into words; where nobody listens, say so instead of what the call made of it."""
    try:
        yield
    except LensfeedError as error:
        if error.code is grpc.StatusCode.UNAVAILABLE and not _listens(address):
            raise unreachable(address) from error
        raise refusal_of(error) from error


def warn_of_plain_http(address: str, out: Output) -> None:
    """Say it where a password goes over a network unencrypted."""
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        out.note(f"note: {address} is not https, so others on the way can read the password")


def address_of(url: str) -> str:
    """Return a server's URL in the one way of writing it by which its session is found again."""
    try:
        parts = urlsplit(url.strip())
        is_one = parts.scheme in _PORTS and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        is_one = False
    if not is_one or parts.path.strip("/") or parts.query:
        raise misused("URL_INVALID", f"{url!r} is no address of a server", "one is like http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _listens(address: str) -> bool:
    """Tell whether anything takes a connection; behind a proxy nobody can tell so simply."""
    parts = urlsplit(address)
    if parts.scheme in getproxies() and not proxy_bypass(str(parts.hostname)):
        return True
    try:
        socket.create_connection((parts.hostname, parts.port or _PORTS[parts.scheme]), _KNOCK_SECONDS).close()
    except OSError:
        return False
    return True
