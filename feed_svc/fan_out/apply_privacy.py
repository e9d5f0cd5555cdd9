"""Applies a change of an account's visibility to its cards."""

from feed_svc.fan_out.refresh_author import NEWEST_OF_PRIVACY, RefreshAuthor
from feed_svc.store.public_authors_port import PublicAuthors


class ApplyPrivacy:
    """Drops what says whether an author is private."""

    def __init__(self, public_authors: PublicAuthors, refresh_author: RefreshAuthor) -> None:
        self._public_authors = public_authors
        self._refresh_author = refresh_author

    async def __call__(self, author_id: int) -> None:
        """Forget that the author was public, and drop the newest cards. Repeatable."""
        await self._public_authors.forget([author_id])
        await self._refresh_author(author_id, NEWEST_OF_PRIVACY)
