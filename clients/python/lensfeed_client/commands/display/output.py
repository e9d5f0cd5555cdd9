"""Printing: results to standard output, everything else to standard error."""

import json
import sys
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.text import Text

from lensfeed_client.commands.display.visible import visible, visible_json
from lensfeed_client.commands.errors.refusal import Refusal

# Keep rich from interpreting brackets and `:smile:` in captions, and from colouring numbers.
_PLAIN: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}


class Output:
    """Prints results and messages. With `as_json`, prints one JSON object per line and nothing else."""

    def __init__(self, *, as_json: bool) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # never fail because a terminal lacks a character
        self.as_json = as_json
        self.console = Console(**_PLAIN)
        self.notes = Console(stderr=True, **_PLAIN)

    @property
    def shows_links(self) -> bool:
        """Whether links may hide behind their text, which only terminals support."""
        return self.console.is_terminal and self.console.color_system is not None

    def result(self, message: Message | dict[str, Any], shown: Text | str) -> None:
        """Print a result: the message as JSON, or `shown` for people."""
        if self.as_json:
            self.console.file.write(f"{json_of(message)}\n")
            self.console.file.flush()
        else:
            # Do not wrap lines in files and pipes, so that URLs stay whole.
            self.console.print(shown, soft_wrap=not self.console.is_terminal)

    def note(self, text: str, **fields: str) -> None:
        """Print additional information. With JSON, print only the fields, if any."""
        if not self.as_json:
            self.notes.print(Text(visible(text), "dim"), soft_wrap=True)
        elif fields:
            self.notes.file.write(f"{json_of(fields)}\n")

    def refuse(self, refusal: Refusal) -> None:
        """Print why a command failed."""
        self.notes.file.write(f"{json_of(refusal.as_json())}\n" if self.as_json else _as_text(refusal))
        self.notes.file.flush()


def json_of(value: Message | dict[str, Any]) -> str:
    """Return one line of JSON; messages look as in the REST API."""
    if isinstance(value, Message):
        value = MessageToDict(value, always_print_fields_with_no_presence=True)
    return visible_json(json.dumps(value, ensure_ascii=False))


def _as_text(refusal: Refusal) -> str:
    first = f"lensfeed: {refusal.message}" + (f"; {refusal.hint}" if refusal.hint else "")
    known = {refusal.reason} - {"FIELD_INVALID"}  # which does not say what is wrong
    more = [f"{each.field}: {each.description}" for each in refusal.violations if each.reason not in known]
    return "".join(f"{visible(line)}\n" for line in (first, *(f"  {line}" for line in more)))
