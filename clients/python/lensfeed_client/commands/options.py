"""Options and arguments that several commands share."""

import json
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

PANEL = "Use a mesh"
"""The heading of these commands in --help."""

Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", envvar="LENSFEED_URL", help="The server's URL.", show_default="server of the last login"
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object per line; errors go to standard error as JSON too.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="The number of items per page.")]
Cursor = Annotated[str | None, typer.Option(metavar="CURSOR", help="Continue where an earlier page ended.")]
Every = Annotated[bool, typer.Option("--all", help="Show all pages.")]
AltText = Annotated[
    list[str] | None,
    typer.Option("--alt", metavar="TEXT", help="Alternative text; repeat it for each file, in order."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume interrupted uploads of these files.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the media are ready.")]
Patience = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1.0, help="How long to wait until the media are ready.")
]


class Command(TyperCommand):
    """A command that reports usage errors as JSON if --json is present."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: D102 - inherited
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if "--json" not in given:
                raise
            error_json = {"code": "INVALID_ARGUMENT", "reason": "USAGE", "message": error.format_message(), "hint": ""}
            sys.stderr.write(f"{json.dumps({**error_json, 'violations': []})}\n")
            raise typer.Exit(2) from None
