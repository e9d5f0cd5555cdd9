"""The promises, one module each."""

from collections.abc import Sequence

from faults.promise import Promise
from faults.promises import changes_arrive

PROMISES: Sequence[Promise] = (changes_arrive.PROMISE,)
"""All promises, by their numbers."""
