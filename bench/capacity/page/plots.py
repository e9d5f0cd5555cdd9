"""The plots of the page."""

from bench.capacity.flow.day import HOUR, STEP, day
from bench.capacity.flow.promise import OUTAGE, SEED
from bench.capacity.page.plot import Axis, Line, Plot
from bench.capacity.plan import plan, promise
from bench.capacity.sizes.threshold import cheapest, costs
from bench.capacity.sizes.traffic import THRESHOLD

MINUTE = 60
LEAST = 1_000


def threshold_plot() -> str:
    """Draw what each threshold costs."""
    known = plan()
    edges = [cell.followers for cell in known.cells if cell.followers >= LEAST]
    found = [costs(known.inputs, known.cells, edge, known.processes) for edge in edges]
    best = cheapest(known.inputs, known.cells, known.processes)
    lines = [
        Line("all", [(each.threshold, each.total) for each in found]),
        Line("pushes", [(each.threshold, each.pushes) for each in found]),
        Line("pulls", [(each.threshold, each.pulls) for each in found]),
    ]
    x = Axis("followers from which an author is pulled", LEAST, 1e9, is_log=True)
    marks = [(THRESHOLD, "feed_svc's"), (best.threshold, "cheapest")]
    return Plot("What a threshold costs", x, Axis("busy cores", 0, found[0].total), lines, at_x=marks).svg()


def day_plot() -> str:
    """Draw the work of a day, by minute."""
    work, steps = promise().scene.work, day(plan().inputs.people, SEED)
    posts, chunks = work.events * work.event_seconds, work.chunks * work.chunk_seconds
    busy = [step.posts * posts + step.jobs * chunks for step in steps]
    a_minute = MINUTE // STEP
    points = [(at * STEP / HOUR, max(busy[at : at + a_minute])) for at in range(0, len(busy), a_minute)]
    marks = [(promise().usual, f"{promise().usual:,} workers"), (promise().steady, f"{promise().steady:,} workers")]
    y = Axis("busy workers of feed_svc", 0, 1.1 * max(promise().usual, *(value for _, value in points)))
    return Plot(
        "The work of a day, with bursts", Axis("hour", 0, 24), y, [Line("work that arrives", points)], at_y=marks
    ).svg()


def outage_plot() -> str:
    """Draw how late posts are around an outage, by their minute of publication."""
    lines = []
    for each in promise().outcomes:
        born = range(OUTAGE.start - 20 * MINUTE, OUTAGE.stop + 80 * MINUTE, MINUTE)
        points = [((at - OUTAGE.stop) / MINUTE, each.flow.delay(at) / MINUTE) for at in born]
        lines.append(Line(f"{each.workers:,} workers", points))
    x = Axis("published, in minutes after the end of the outage", -80, 80)
    y = Axis("minutes until it is visible", 0, max(value for line in lines for _, value in line.points))
    limit = plan().inputs.mission.late_seconds / MINUTE
    return Plot(
        "An hour without pushes, after which events are handled in order",
        x,
        y,
        lines,
        at_x=[(0, "")],
        at_y=[(limit, "two minutes")],
    ).svg()
