"""All numbers that the plan begins with."""

from dataclasses import dataclass, field, replace
from typing import Self

from bench.capacity.numbers.assumed import Media, People, Prices, Servers
from bench.capacity.numbers.measured import Measured
from bench.capacity.numbers.mission import Mission


@dataclass(frozen=True)
class Inputs:
    """The mission, the measured figures and the assumptions."""

    mission: Mission = field(default_factory=Mission)
    measured: Measured = field(default_factory=Measured)
    people: People = field(default_factory=People)
    servers: Servers = field(default_factory=Servers)
    media: Media = field(default_factory=Media)
    prices: Prices = field(default_factory=Prices)

    @property
    def accounts(self) -> float:
        """Accounts with a live home timeline: everyone who reads within 14 days."""
        return self.mission.users / self.people.daily_share

    def times(self, factor: float) -> Self:
        """Return the same for more people."""
        return replace(self, mission=self.mission.times(factor))
