"""Builds the reader of a feed's entries, for the composition root and for tests."""

from opentelemetry.metrics import Meter

from feed_svc.celebrities.integration import IntegrateChanges
from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.ports import Graph, IsOutage, Posts
from feed_svc.reading.author_posts import BUILD_COUNT, AuthorPosts
from feed_svc.reading.celebrity_posts import FRESH_SECONDS, WINDOW, CelebrityPosts
from feed_svc.reading.check_cuts import CheckCuts
from feed_svc.reading.old_pages import OldPages
from feed_svc.reading.read_cached import ReadCached
from feed_svc.reading.read_skeleton import ReadSkeleton
from feed_svc.reading.read_stored import ReadStored
from feed_svc.reading.read_unbuilt import FEW, UNBUILT_SECONDS, ReadUnbuilt
from feed_svc.reading.read_with_fallback import PRIMARY_SECONDS, ReadWithFallback
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from feed_svc.store.port import AuthorTimelines, Celebrities, Followees, RecentUnfollows, Timelines


def open_skeleton(
    timelines: Timelines,
    authors: AuthorTimelines,
    celebrities: Celebrities,
    recent_unfollows: RecentUnfollows,
    followees: Followees,
    graph: Graph,
    posts: Posts,
    *,
    is_outage: IsOutage,
    grace_ms: int,
    fresh_seconds: float = FRESH_SECONDS,
    window: int = WINDOW,
    build_count: int = BUILD_COUNT,
    few: int = FEW,
    unbuilt_seconds: float = UNBUILT_SECONDS,
    seconds: float = PRIMARY_SECONDS,
    meter: Meter | None = None,
    old_pages: OldPages | None = None,
) -> ReadWithFallback:
    """Return a reader with its own copy of the celebrities' log and its own cache of their posts."""
    modes = CelebrityModes(celebrities, grace_ms)
    author_posts = AuthorPosts(authors, posts, build_count)
    follow = ApplyFollow(graph, posts, timelines, recent_unfollows, celebrities, followees)
    rebuild = RebuildTimeline(timelines, modes, graph, author_posts, recent_unfollows, follow)
    if meter is not None:
        rebuild.progress.show(meter)
        modes.show(meter)
    primary = ReadSkeleton(
        timelines,
        modes,
        rebuild,
        IntegrateChanges(timelines, graph, posts, recent_unfollows, follow),
        CelebrityPosts(author_posts, fresh_seconds, window),
        author_posts,
        graph,
        followees,
        check_cuts=CheckCuts(timelines, graph, follow, is_outage),
        read_unbuilt=ReadUnbuilt(graph, author_posts, rebuild, few=few, seconds=unbuilt_seconds),
        old_pages=old_pages or OldPages(),
    )
    return ReadWithFallback(primary, ReadCached(timelines, authors), ReadStored(graph, posts), is_outage, seconds)
