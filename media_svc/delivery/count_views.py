"""Count views of media."""

from collections.abc import Mapping

from media_svc.ports import Popularity
from meshkit.ids import MalformedIdError, PublicId


class CountViews:
    """Adds views to the popularity of media. Malformed ids are skipped; unknown media are detected later."""

    def __init__(self, popularity: Popularity) -> None:
        self._popularity = popularity

    async def __call__(self, views: Mapping[str, int]) -> None:
        """Count the views. Raises UnavailableError."""
        known: dict[PublicId, int] = {}
        for text, number in views.items():
            try:
                known[PublicId.parse(text)] = number
            except MalformedIdError:
                continue
        if known:
            await self._popularity.count(known)
