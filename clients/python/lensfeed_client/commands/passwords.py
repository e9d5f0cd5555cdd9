"""Where a password comes from: a question without echo, or standard input. Never the command line, which others can read."""

import getpass
import sys

import typer

from lensfeed_client.commands.refusal import misused

_HINT = "pipe it in with --password-stdin"


def read_password(*, from_stdin: bool, again: bool = False) -> str:
    """Return the password, asked for twice with `again`. Raises Refusal where there is none to be had."""
    if from_stdin:
        return _given(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise misused("PASSWORD_MISSING", "there is no terminal to ask for the password on", _HINT)
    password = _given(getpass.getpass("Password: "))
    if again and getpass.getpass("The same again: ") != password:
        raise misused("PASSWORD_DIFFERS", "the two passwords differ")
    return password


def read_handle(given: str | None) -> str:
    """Return the handle as it was given, or asked for, without the @ that people write before it."""
    if given is None and not sys.stdin.isatty():
        raise misused("HANDLE_MISSING", "no handle was given", "name it: `lensfeed login HANDLE`")
    handle = given if given is not None else str(typer.prompt("Handle", err=True))
    return handle.strip().removeprefix("@").lower()


def _given(password: str) -> str:
    if not password:
        raise misused("PASSWORD_MISSING", "no password was given")
    return password
