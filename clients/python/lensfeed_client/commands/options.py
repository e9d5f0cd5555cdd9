"""Options and arguments that several commands have, and what all of them share."""

import json
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

PANEL = "Use a mesh"
"""Under which heading of --help the commands stand."""

Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", envvar="LENSFEED_URL", help="The server.", show_default="that of the last login"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line; errors too, on standard error.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="How many to show, or at a time.")]
Cursor = Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier page ended.")]
Every = Annotated[bool, typer.Option("--all", help="Show everything, to the end.")]
AltText = Annotated[
    list[str] | None,
    typer.Option("--alt", metavar="TEXT", help="What a file shows, in words; once for each file, in their order."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with uploads of these files that were cut off.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the server has prepared it.")]
Patience = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1.0, help="How long to wait until it is prepared.")
]


class Command(TyperCommand):
    """A command that tells of a wrong command line as JSON where --json stands in it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: D102 - that of the base
        asked = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if "--json" not in asked:
                raise
            told = {"code": "INVALID_ARGUMENT", "reason": "USAGE", "message": error.format_message(), "hint": ""}
            sys.stderr.write(f"{json.dumps({**told, 'violations': []})}\n")
            raise typer.Exit(2) from None
