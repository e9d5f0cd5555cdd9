"""Lists in pages: as many as were asked for, and how to go on."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from rich.text import Text

from lensfeed_client import Pages
from lensfeed_client.commands.output import Output

Item = TypeVar("Item", bound=Message)


@dataclass(frozen=True)
class Listing:
    """How a list is shown: everything, or a page at a time; `again` is the command that asked for it."""

    again: Sequence[str]
    everything: bool


def show_list(out: Output, pages: Pages[Item], listing: Listing, card: Callable[[Item], Text]) -> int:
    """Print items to the end of the page, or further while a person at the terminal wants more; how many there were."""
    count = 0
    while items := pages.next_page():
        for item in items:
            out.result(item, card(item))
        count += len(items)
        if not pages.next_cursor or not (listing.everything or _wants_more(out)):
            break
    if count and pages.next_cursor:
        again = shlex.join([*listing.again, "--cursor", pages.next_cursor])
        out.note(f"more with: {again}", nextCursor=pages.next_cursor)
    return count


def _wants_more(out: Output) -> bool:
    """Ask, where somebody can answer."""
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
