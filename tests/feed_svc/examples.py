"""Hypothesis in a thread, so that its examples can use what the event loop of the tests has opened."""

import asyncio
import warnings
from collections.abc import Callable

from hypothesis.errors import HypothesisDeprecationWarning


async def run_examples(check: Callable[[], None]) -> None:
    """Run a test of hypothesis in a thread while the loop runs.

    Hypothesis takes any use of the random module while it draws for the strategies' own. Here the loop's Redis clients use it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Do not use the `random` module inside strategies", HypothesisDeprecationWarning
        )
        await asyncio.to_thread(check)
