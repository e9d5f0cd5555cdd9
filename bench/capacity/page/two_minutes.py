"""The page's section on posts on their way."""

from bench.capacity.flow.day import STEP
from bench.capacity.flow.promise import PEAK, REGIONS, Outcome
from bench.capacity.page.words import digits
from bench.capacity.plan import Plan, Promise, promise
from docs.generate.table import table


def flow_section(known: Plan) -> str:
    """Return the section: workers for a usual day, without a region, and after an outage."""
    found = promise()
    people, late = known.inputs.people, known.inputs.mission.late_seconds
    return f"""## Two minutes from publication to the last follower

A seeded model runs the evening in steps of {STEP} s: a daily wave with its peak at 20:00, and a burst every
{people.bursts_apart / 60:g} minutes on average, in which authors with over 1,000 followers post {people.burst_factor:g}
times as often for {people.burst_seconds:g} s. Workers handle posts with their first page of followers, and
[chunks](events.md#large-fan-outs) in turn. Posts of celebrities are not pushed, so their bursts cost reads only.

![Busy workers by hour of the day, with the workers that are needed with and without bursts](capacity-day.svg)

{_workers(found, known)}
{_usual(found)}

### After an hour's outage

In the hour before the peak nothing is pushed. When it is over, that hour's posts meet those of the peak. Outboxes keep the
events; no post is lost, and a timeline that is rebuilt has them all. There are two kinds of such an outage:

- **All workers are down, or the region with the streams is.** Events wait in order, so new posts wait behind those of the outage.
- **A region's timelines are down**, without replicas elsewhere. Nearly every post has followers there, and an event is done only
  when all of its pushes are. Its event is [parked](events.md#consumers) and tried again every minute. Workers take parked and new
  events in turn.

![Minutes until a post is visible, by when it was published, for several numbers of workers](capacity-outage.svg)

{_outcomes(found)}
{_verdict(found, late)}
"""


def _workers(found: Promise, known: Plan) -> str:
    mean = found.scene.work.workers
    rows = [
        ("the average of a day, busy all the time", digits(mean)),
        ("the busiest moment, busy all the time", digits(mean * known.inputs.people.peak)),
        ("two minutes hold all evening, without bursts", f"{found.steady:,}"),
        ("two minutes hold all evening", f"{found.usual:,}"),
        (
            f"the same while the workers of one of {REGIONS} regions are missing for an hour",
            f"{found.without_region:,}",
        ),
        ("two minutes hold from the end of an outage of an hour, events wait in order", f"{found.after_outage:,}"),
        ("the same for new posts, events are parked", f"{found.after_parking:,}"),
    ]
    return table(("for", "workers"), rows)


def _usual(found: Promise) -> str:
    usual, spare = (found.scene.flow(workers).latest(PEAK) for workers in (found.usual, found.without_region))
    return (
        f"The two minutes hold at the peak hour: with {found.usual:,} workers, its latest post is visible to all followers after "
        f"{usual} s, and with {found.without_region:,} after {spare} s. What exceeds {found.steady:,} workers is for bursts."
    )


def _outcomes(found: Promise) -> str:
    head = (
        "events of the outage",
        "workers",
        "latest new post",
        "new posts are in time",
        "the outage's posts are visible",
    )
    rows = [_outcome("wait in order", each) for each in found.outcomes]
    return table(head, [*rows, *(_outcome("are parked", each) for each in found.parked)])


def _outcome(kind: str, each: Outcome) -> tuple[str, ...]:
    since = "at once" if each.recovered_minutes <= 0 else f"**after {digits(each.recovered_minutes)} min**"
    return (
        kind,
        f"{each.workers:,}",
        f"{digits(each.latest_minutes)} min",
        since,
        f"after {digits(each.done_minutes)} min",
    )


def _verdict(found: Promise, late: float) -> str:
    usual = found.outcomes[0]
    if usual.recovered_minutes <= 0:
        return "The promise holds after both kinds, for posts that are published after the outage."
    return (
        f"**The promise does not hold after an outage of the first kind** with the {found.usual:,} workers of a usual day: new "
        f"posts are late for {digits(usual.recovered_minutes)} minutes. To push the hour's posts within {late:g} s of its end, "
        f"{found.after_outage:,} workers are needed, {digits(found.after_outage / found.usual)} times as many. After one of the "
        f"second kind, new posts are in time with {found.after_parking:,} workers. The posts of the outage itself are late in "
        "both cases."
    )
