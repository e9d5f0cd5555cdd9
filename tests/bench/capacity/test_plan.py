"""What the plan derives from its numbers."""

from dataclasses import replace

import pytest

from bench.capacity.flow.promise import least
from bench.capacity.numbers.assumed import People
from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.measured import Measured
from bench.capacity.numbers.source import sources
from bench.capacity.plan import Plan
from bench.capacity.sizes.cassandra import cassandra_bytes
from bench.capacity.sizes.cores import serving_processes
from bench.capacity.sizes.population import population
from bench.capacity.sizes.s3 import originals_a_day, renditions_a_day, tiers
from bench.capacity.sizes.threshold import cheapest, costs, miss_share
from bench.capacity.sizes.traffic import PAGE, traffic
from bench.capacity.sizes.work import CHUNK, work
from bench.harness import read_results

INPUTS = Inputs()
CELLS = population(INPUTS)
BUSY = replace(INPUTS, people=replace(People(), large_posts=5.0))
RARE = replace(INPUTS, people=replace(People(), large_posts=0.2))


def test_everyone_and_every_follow_is_in_a_cell() -> None:
    """Cells add up to all accounts, 200 followers on average, and all posts of a day."""
    assert sum(cell.accounts for cell in CELLS) == pytest.approx(INPUTS.accounts)
    followers = sum(cell.accounts * cell.followers for cell in CELLS)
    assert followers / INPUTS.accounts == pytest.approx(INPUTS.mission.followees)
    assert sum(cell.accounts * cell.posts for cell in CELLS) == pytest.approx(INPUTS.mission.posts, rel=1e-6)


def test_followers_have_the_power_law() -> None:
    """Ten times as many followers have 10^(exponent - 1) times fewer accounts."""

    def beyond(followers: float) -> float:
        return sum(cell.accounts for cell in CELLS if cell.followers >= followers)

    edge = CELLS[40].followers
    ratio = beyond(edge) / beyond(edge * 10)
    assert ratio == pytest.approx(10 ** (INPUTS.people.exponent - 1), rel=0.15)


@pytest.mark.parametrize("inputs", [INPUTS, BUSY, RARE, INPUTS.times(10)], ids=["design", "busy", "rare", "ten times"])
@pytest.mark.parametrize("processes", [1.0, 50.0, 400.0, 10_000.0])
def test_no_threshold_costs_less_than_the_cheapest(inputs: Inputs, processes: float) -> None:
    """Trying the edge of every cell, and no threshold at all, finds nothing cheaper."""
    cells = population(inputs)
    tried = [
        costs(inputs, cells, edge, processes).total for edge in (*(cell.followers for cell in cells), float("inf"))
    ]
    assert cheapest(inputs, cells, processes).total == pytest.approx(min(tried))


def test_a_threshold_pushes_or_pulls_each_author() -> None:
    """A higher threshold only adds pushes and only saves pulls."""
    found = [costs(INPUTS, CELLS, at, 400.0) for at in (0.0, 1e3, 1e5, 1e7, float("inf"))]
    assert [each.pushes for each in found] == sorted(each.pushes for each in found)
    assert [each.pulls for each in found] == sorted((each.pulls for each in found), reverse=True)
    assert found[0].pushes == found[-1].pulls == 0


def test_more_processes_have_fewer_posts_in_memory() -> None:
    """The more processes share the reads, the more of these load an author's posts."""
    shares = [miss_share(INPUTS, 1e6, processes) for processes in (1, 10, 100, 1_000)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_read_cards_are_made_or_cached() -> None:
    """Cards are made no more often than they are read, and at most one of each post is cached."""
    seen = traffic(INPUTS, CELLS)
    assert 0 < seen.cards_made < seen.reads * PAGE
    assert seen.cards_live < INPUTS.mission.posts


def test_work_has_every_push() -> None:
    """First pages and chunks cover all pushes below the threshold; the last chunk of a fan-out counts as a full one."""
    found = work(INPUTS, CELLS)
    pushes = sum(cell.pushes for cell in CELLS if cell.followers < 100_000) / 86_400
    first = sum(cell.accounts * cell.posts * min(cell.followers, 1_000) for cell in CELLS if cell.followers < 100_000)
    assert pushes <= first / 86_400 + found.chunks * CHUNK <= 2 * pushes


def test_originals_are_in_one_tier_each() -> None:
    """Originals and renditions of all days are stored, and move but never disappear."""
    for days in (10, 90, 200, 365, 1_000):
        stored = tiers(INPUTS, days)
        assert stored.total == pytest.approx((originals_a_day(INPUTS) + renditions_a_day(INPUTS)) * days)
    assert tiers(INPUTS, 90).infrequent == tiers(INPUTS, 365).archive == 0


def test_ten_times_as_many_people_need_about_ten_times_as_much() -> None:
    """No part shrinks or explodes."""
    plan, many = Plan(INPUTS), Plan(INPUTS.times(10))
    for size, more in zip(plan.sizes, many.sizes, strict=True):
        assert 8 < more.amount / size.amount < 12.5, size.part
    assert len(plan.bill) == len(many.bill)
    assert sum(size.amount for size in cassandra_bytes(INPUTS, 2)) < 2 * sum(
        size.amount for size in cassandra_bytes(INPUTS)
    )
    assert serving_processes(INPUTS, plan.traffic) == plan.processes


def test_the_first_limit_is_the_one_that_is_used_most() -> None:
    """Limits are in the order in which growth reaches them."""
    used = [limit.used for limit in Plan(INPUTS).limits]
    assert used == sorted(used, reverse=True)


def test_measured_figures_come_from_the_results() -> None:
    """Medians of the saved results replace the defaults; figures that they lack keep them."""
    results = read_results()
    figures = {each["name"]: each for group in results["measurements"].values() for each in group["figures"]}
    assert Measured.of(results).entry_bytes == pytest.approx(figures["entry_bytes"]["median"])
    assert Measured.of({}) == Measured()


def test_every_number_has_a_source() -> None:
    """Each input says what it is, in which unit, and where it is from."""
    groups = (INPUTS.mission, INPUTS.measured, INPUTS.people, INPUTS.servers, INPUTS.media, INPUTS.prices)
    for what, _, _, source in (number for group in groups for number in sources(group)):
        assert what
        assert source


@pytest.mark.parametrize("smallest", [5, 6, 41, 1_000])
def test_the_least_number_is_found(smallest: int) -> None:
    """The search finds the smallest number for which something holds, from a lower start or the number itself."""
    assert least(lambda number: number >= smallest, 5) == smallest
