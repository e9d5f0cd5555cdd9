"""Count that media were shown."""

from collections.abc import Mapping

from media_svc.ports import Popularity
from meshkit.ids import MalformedIdError, PublicId


class CountViews:
    """Hands views on; what names no medium is passed over. Whether there is such a medium is looked at when it is popular."""

    def __init__(self, popularity: Popularity) -> None:
        self._popularity = popularity

    async def __call__(self, views: Mapping[str, int]) -> None:
        """Count. Raises UnavailableError."""
        known: dict[PublicId, int] = {}
        for text, number in views.items():
            try:
                known[PublicId.parse(text)] = number
            except MalformedIdError:
                continue
        if known:
            await self._popularity.count(known)
