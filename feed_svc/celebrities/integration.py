"""Brings a home timeline up to date with who has become a celebrity, and who is one no more."""

from collections.abc import Sequence

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import TIMELINE_LENGTH, LogPosition, ModeChange, merge
from feed_svc.ports import Graph, Posts
from feed_svc.store.port import Partings, Timelines


class IntegrateChanges:
    """Makes those that the viewer follows pulled or pushed authors of the timeline."""

    def __init__(
        self, timelines: Timelines, graph: Graph, posts: Posts, partings: Partings, apply_follow: ApplyFollow
    ) -> None:
        self._timelines = timelines
        self._graph = graph
        self._posts = posts
        self._partings = partings
        self._apply_follow = apply_follow

    async def __call__(self, viewer: int, known: LogPosition, changes: Sequence[ModeChange]) -> None:
        """Heed all changes that followed a known position.

        Who is pushed again was pulled for a while, and what was posted then is in no timeline: it is read from the store,
        which was told of it before the change. A timeline that was rebuilt meanwhile is brought up to date alike, or left
        alone.
        """
        modes = {change.author_id: change.is_pulled for change in changes}
        followed = await self._graph.followed_among(viewer, list(modes))
        pulled = sorted(author for author in followed if modes[author])
        pushed = sorted(author for author in followed if not modes[author])
        window = merge(await self._posts.newest(pushed, None, TIMELINE_LENGTH) if pushed else [], TIMELINE_LENGTH)
        await self._timelines.integrate(viewer, known, changes[-1].seq, pulled, pushed, window)
        if followed:
            # Who was unfollowed after the graph was asked must not come back.
            for author_id in followed & await self._partings.authors_left_by(viewer):
                await self._apply_follow(viewer, author_id)
