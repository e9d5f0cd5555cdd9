"""Reading a password from a prompt or standard input. Never from the command line, which others can read."""

import getpass
import sys

import typer

from lensfeed_client.commands.errors.refusal import usage_error

_HINT = "pipe it in with --password-stdin"


def read_password(*, from_stdin: bool, again: bool = False) -> str:
    """Read the password, twice with `again`. Raises Refusal if there is none."""
    if from_stdin:
        return _non_empty(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise usage_error("PASSWORD_MISSING", "there is no terminal to prompt for a password", _HINT)
    password = _non_empty(getpass.getpass("Password: "))
    if again and getpass.getpass("Repeat password: ") != password:
        raise usage_error("PASSWORD_DIFFERS", "the passwords differ")
    return password


def read_handle(given: str | None) -> str:
    """Return the handle, prompting for it if necessary, without a leading @."""
    if given is None and not sys.stdin.isatty():
        raise usage_error("HANDLE_MISSING", "no handle was given", "pass it: `lensfeed login HANDLE`")
    handle = given if given is not None else str(typer.prompt("Handle", err=True))
    return handle.strip().removeprefix("@").lower()


def _non_empty(password: str) -> str:
    if not password:
        raise usage_error("PASSWORD_MISSING", "no password was given")
    return password
