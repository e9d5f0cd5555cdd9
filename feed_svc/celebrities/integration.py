"""Applies changes of the celebrities' log to a home timeline."""

from collections.abc import Sequence

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import TIMELINE_LENGTH, LogPosition, ModeChange, merge
from feed_svc.ports import Graph, Posts
from feed_svc.store.port import RecentUnfollows, Timelines
from meshkit.tasks.to_the_end import ToTheEnd


class IntegrateChanges:
    """Makes followees pulled or pushed authors of a timeline."""

    def __init__(
        self,
        timelines: Timelines,
        graph: Graph,
        posts: Posts,
        recent_unfollows: RecentUnfollows,
        apply_follow: ApplyFollow,
    ) -> None:
        self._timelines = timelines
        self._graph = graph
        self._posts = posts
        self._recent_unfollows = recent_unfollows
        self._apply_follow = apply_follow
        self._to_the_end = ToTheEnd()

    async def __call__(self, viewer: int, known: LogPosition, changes: Sequence[ModeChange]) -> None:
        """Apply all changes after a known position.

        What a demoted author posted while being pulled is in no timeline, so it is read from the store. A timeline rebuilt
        meanwhile is brought up to date as well, or already is.
        """
        modes = {change.author_id: change.is_pulled for change in changes}
        followed = await self._graph.followed_among(viewer, list(modes))
        pulled = sorted(author for author in followed if modes[author])
        pushed = sorted(author for author in followed if not modes[author])
        window = merge(await self._posts.newest(pushed, None, TIMELINE_LENGTH) if pushed else [], TIMELINE_LENGTH)

        async def write_and_check() -> None:
            await self._timelines.integrate(viewer, known, changes[-1].seq, pulled, pushed, window)
            if followed:
                # An author unfollowed after the graph was read must not come back.
                for author_id in followed & await self._recent_unfollows.unfollowed_by(viewer):
                    await self._apply_follow(viewer, author_id)

        await self._to_the_end(write_and_check)
