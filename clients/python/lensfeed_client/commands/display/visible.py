"""Makes other people's text safe for a terminal by showing control characters instead of sending them."""

import re

_PICTURES = 0x2400
"""Unicode has pictures of the first 32 control characters from here on, such as ␛ for escape."""

_DELETE, _DELETE_PICTURE = 0x7F, "␡"
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# Bidirectional controls reorder text, which can make one name look like another.
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# U+0080 to U+009F are one-character escape sequences; U+2028 and U+2029 are line separators but no newline.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def visible(text: str) -> str:
    """Return a text as one line, with a visible sign for each character that a terminal would interpret."""
    return _UNSAFE.sub(_sign, _BIDI_CONTROLS.sub(_UNKNOWN, _folded(text).replace("\n", " ")))


def visible_lines(text: str) -> str:
    """Do the same but keep newlines."""
    return "\n".join(visible(line) for line in _folded(text).split("\n"))


def visible_json(text: str) -> str:
    """Escape the characters in JSON that a terminal would interpret. The value stays the same."""
    return re.sub(f"{_UNSAFE.pattern}|{_BIDI_CONTROLS.pattern}", lambda found: f"\\u{ord(found[0]):04x}", text)


def _folded(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\t", " ")


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == _DELETE:
        return _DELETE_PICTURE
    return chr(_PICTURES + code) if code < ord(" ") else _UNKNOWN
