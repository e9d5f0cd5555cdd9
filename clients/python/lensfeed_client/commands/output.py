"""What the command prints: results to standard output, everything else to standard error."""

import json
import sys
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.text import Text

from lensfeed_client.commands.refusal import Refusal
from lensfeed_client.commands.visible import visible, visible_json

# Without these, rich would read brackets in a caption as styles, `:smile:` as a picture, and colour what looks like a number.
_PLAIN: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}


class Output:
    """Where results go. With `as_json` one object a line, and no other word."""

    def __init__(self, *, as_json: bool) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to stop
        self.as_json = as_json
        self.console = Console(**_PLAIN)
        self.notes = Console(stderr=True, **_PLAIN)

    @property
    def shows_links(self) -> bool:
        """Tell whether a link may hide behind its text, as it can on a terminal alone."""
        return self.console.is_terminal and self.console.color_system is not None

    def result(self, message: Message | dict[str, Any], shown: Text | str) -> None:
        """Print a result: as JSON the message, for people what is shown."""
        if self.as_json:
            self.console.file.write(f"{json_of(message)}\n")
            self.console.file.flush()
        else:
            # A file or a pipe has no right edge: there a line of text is a line, and a URL whole.
            self.console.print(shown, soft_wrap=not self.console.is_terminal)

    def note(self, text: str, **fields: str) -> None:
        """Tell something beside the result; with JSON only what has fields, as an object."""
        if not self.as_json:
            self.notes.print(Text(visible(text), "dim"), soft_wrap=True)
        elif fields:
            self.notes.file.write(f"{json_of(fields)}\n")

    def refuse(self, refusal: Refusal) -> None:
        """Tell why a command ends."""
        self.notes.file.write(f"{json_of(refusal.as_json())}\n" if self.as_json else _spoken(refusal))
        self.notes.file.flush()


def json_of(value: Message | dict[str, Any]) -> str:
    """Return one line of JSON; a message as the server's REST interface prints it."""
    if isinstance(value, Message):
        value = MessageToDict(value, always_print_fields_with_no_presence=True)
    return visible_json(json.dumps(value, ensure_ascii=False))


def _spoken(refusal: Refusal) -> str:
    first = f"lensfeed: {refusal.message}" + (f"; {refusal.hint}" if refusal.hint else "")
    told = {refusal.reason} - {"FIELD_INVALID"}  # that reason says nothing of what is wrong
    more = [f"{each.field}: {each.description}" for each in refusal.violations if each.reason not in told]
    return "".join(f"{visible(line)}\n" for line in (first, *(f"  {line}" for line in more)))
