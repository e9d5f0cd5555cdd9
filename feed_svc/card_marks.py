"""The last bytes of a card, which say whether its author is private. So a page is filtered without parsing its cards.

They are the field `is_private` of FeedItem, which has the highest number and is written even if it is false.
"""

PUBLIC = b"\x78\x00"
PRIVATE = b"\x78\x01"
# Also false, but in two bytes: follow_svc did not say what the author is.
UNKNOWN = b"\x78\x80\x00"


def is_public(card: bytes) -> bool:
    """Tell whether a card's author is known to be public."""
    return card.endswith(PUBLIC)


def is_private(card: bytes) -> bool:
    """Tell whether a card's author is known to be private."""
    return card.endswith(PRIVATE)


def is_unknown(card: bytes) -> bool:
    """Tell whether a card does not say what its author is."""
    return card.endswith(UNKNOWN)
