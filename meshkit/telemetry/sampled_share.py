"""The share of traces that the standard variables OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG sample."""

import os
from collections.abc import Mapping

from meshkit.settings import SettingsError

_ARGUMENT = "OTEL_TRACES_SAMPLER_ARG"


def sampled_share(environment: Mapping[str, str] = os.environ) -> float:
    """Return the share of traces without a parent to sample, where `parentbased_…` is the sampler after it.

    Raises SettingsError if the argument is no number from 0 to 1.
    """
    sampler = environment.get("OTEL_TRACES_SAMPLER", "always_on").removeprefix("parentbased_")
    if sampler == "traceidratio":
        return _ratio(environment.get(_ARGUMENT, "1"))
    return 0.0 if sampler == "always_off" else 1.0


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise SettingsError(f"{_ARGUMENT}: {text!r} is not a number from 0 to 1")
    return ratio
