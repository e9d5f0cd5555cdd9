"""The people of a mesh with their ledger."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from faults.mesh.fault_mesh import FaultMesh
from faults.world.ledger import Ledger
from faults.world.person import Person
from faults.world.plan import Size


@dataclass
class World:
    """Everybody in a mesh. The first people are the authors, who have photos."""

    mesh: FaultMesh
    size: Size
    people: list[Person]
    photo: bytes
    chance: Random
    ledger: Ledger = field(default_factory=Ledger)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def authors(self) -> list[Person]:
        """Those who post."""
        return self.people[: self.size.authors]

    def caption(self, author: Person) -> str:
        """Return a caption that no other post has."""
        return f"post {next(self._numbers)} of {author.handle}"
