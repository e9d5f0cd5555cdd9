"""Other people's text, made fit for a terminal: what it would obey, such as escape sequences, is shown instead of sent."""

import re

_PICTURES = 0x2400
"""Unicode has a picture for each of the first 32 control characters from here on, as ␛ for escape."""

_DELETE, _DELETE_PICTURE = 0x7F, "␡"
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# Embeddings, overrides and isolates make text read in another order than it stands: a name may then pass for another.
_ORDERS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# U+0080 to U+009F do in one character what ESC does with a second one; separators of lines and paragraphs are no newline.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def visible(text: str) -> str:
    """Return a text as one line, with a visible sign in the place of each character that a terminal would obey."""
    return _UNSAFE.sub(_sign, _ORDERS.sub(_UNKNOWN, _folded(text).replace("\n", " ")))


def visible_lines(text: str) -> str:
    """Do the same, and keep newlines."""
    return "\n".join(visible(line) for line in _folded(text).split("\n"))


def visible_json(text: str) -> str:
    """Escape in a JSON document what `json` leaves as it is, though a terminal would obey it. The value stays the same."""
    return re.sub(f"{_UNSAFE.pattern}|{_ORDERS.pattern}", lambda found: f"\\u{ord(found[0]):04x}", text)


def _folded(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\t", " ")


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == _DELETE:
        return _DELETE_PICTURE
    return chr(_PICTURES + code) if code < ord(" ") else _UNKNOWN
