"""Printing lists page by page."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from rich.text import Text

from lensfeed_client import Pages
from lensfeed_client.commands.display.output import Output

Item = TypeVar("Item", bound=Message)


@dataclass(frozen=True)
class Listing:
    """Whether to print everything, and the command that printed this list, to suggest the next one."""

    command: Sequence[str]
    everything: bool


def show_list(out: Output, pages: Pages[Item], listing: Listing, card: Callable[[Item], Text]) -> int:
    """Print a page, or more if the person at the terminal wants more. Return the number of items."""
    count = 0
    while items := pages.next_page():
        for item in items:
            out.result(item, card(item))
        count += len(items)
        if not pages.next_cursor or not (listing.everything or _wants_more(out)):
            break
    if count and pages.next_cursor:
        next_command = shlex.join([*listing.command, "--cursor", pages.next_cursor])
        out.note(f"more with: {next_command}", nextCursor=pages.next_cursor)
    return count


def _wants_more(out: Output) -> bool:
    """Ask for more if someone can answer."""
    if out.as_json or not (out.console.is_terminal and sys.stdin.isatty()):
        return False
    try:
        return out.notes.input(Text("Enter shows more, q ends: ", "dim")).strip().lower() not in {
            "q",
            "quit",
            "n",
            "no",
        }
    except EOFError:
        return False
