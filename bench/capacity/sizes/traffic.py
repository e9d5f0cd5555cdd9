"""How often things happen. Rates are a second, at the busiest moment unless a name says otherwise. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.mission import DAY_SECONDS
from bench.capacity.sizes.population import Cell, population
from feed_svc.settings import TimelineSettings

THRESHOLD = int(TimelineSettings.model_fields["celebrity_followers"].default)
PAGE = 20
"""Posts of a page."""
CARD_SECONDS = 120
"""How long a card is cached."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the services see."""

    reads: float
    posts: float
    pushes: float
    cards_made: float
    cards_live: float
    pulled: float
    """How many pulled authors one read merges."""
    loads: float
    """Files that apps load."""


def traffic(inputs: Inputs, cells: Sequence[Cell] | None = None) -> Traffic:
    """Derive all rates from the numbers."""
    cells = cells or population(inputs)
    peak = inputs.people.peak / DAY_SECONDS
    reads = inputs.mission.users * inputs.mission.reads * peak
    made, live = _cards(inputs, cells)
    return Traffic(
        reads=reads,
        posts=inputs.mission.posts * peak,
        pushes=sum(cell.pushes for cell in cells if cell.followers < THRESHOLD) * peak,
        cards_made=made,
        cards_live=live,
        pulled=sum(cell.accounts * cell.followers for cell in cells if cell.followers >= THRESHOLD) / inputs.accounts,
        loads=reads * PAGE,
    )


def reads_of_a_follower(inputs: Inputs) -> float:
    """Return how often one follower reads, a day. Some followers do not read each day."""
    return inputs.mission.reads * inputs.people.daily_share


def _cards(inputs: Inputs, cells: Sequence[Cell]) -> tuple[float, float]:
    """Return how many cards are made a second, and how many are cached.

    A post is on the first page for PAGE of the posts that its followers get. It is then read at the rate r, and its card, cached
    for T seconds after it was made, is made r / (1 + r T) times a second and is there for r T / (1 + r T) of the time.
    """
    page_days = PAGE * inputs.accounts / sum(cell.pushes for cell in cells)
    made = live = 0.0
    for cell in cells:
        posts = cell.accounts * cell.posts * page_days
        rate = cell.followers * reads_of_a_follower(inputs) * inputs.people.peak / DAY_SECONDS
        made += posts * rate / (1 + rate * CARD_SECONDS)
        live += posts * rate * CARD_SECONDS / (1 + rate * CARD_SECONDS)
    return made, live
