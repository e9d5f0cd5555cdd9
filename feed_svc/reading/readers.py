"""Puts together what reads a feed's entries; the composition root and the tests do it alike."""

from feed_svc.celebrities.integration import IntegrateChanges
from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.ports import Graph, IsOutage, Posts
from feed_svc.reading.author_posts import BUILD_COUNT, AuthorRuns
from feed_svc.reading.celebrity_posts import FRESH_SECONDS, WINDOW, PulledWindows
from feed_svc.reading.read_cached import ReadCached
from feed_svc.reading.read_skeleton import ReadSkeleton
from feed_svc.reading.read_stored import ReadStored
from feed_svc.reading.read_with_fallback import ReadAnyhow
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from feed_svc.store.port import AuthorTimelines, Celebrities, Partings, Timelines


def open_skeleton(
    timelines: Timelines,
    authors: AuthorTimelines,
    celebrities: Celebrities,
    partings: Partings,
    graph: Graph,
    posts: Posts,
    *,
    is_outage: IsOutage,
    grace_ms: int,
    fresh_seconds: float = FRESH_SECONDS,
    window: int = WINDOW,
    build_count: int = BUILD_COUNT,
) -> ReadAnyhow:
    """Return a reader with a copy of the celebrities' log and windows of its own."""
    modes = CelebrityModes(celebrities, grace_ms)
    runs = AuthorRuns(authors, posts, build_count)
    follow = ApplyFollow(graph, posts, timelines, partings, celebrities)
    usual = ReadSkeleton(
        timelines,
        modes,
        RebuildTimeline(timelines, modes, graph, runs, partings, follow),
        IntegrateChanges(timelines, graph, posts, partings, follow),
        PulledWindows(runs, fresh_seconds, window),
        runs,
        graph,
    )
    return ReadAnyhow(usual, ReadCached(timelines, authors), ReadStored(graph, posts), is_outage)
