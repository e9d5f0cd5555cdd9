"""Pick the rendition that fits a screen and the formats its browser supports."""

from collections.abc import Iterable, Mapping

from media_svc.errors import MediaNotFoundError
from media_svc.find_shared_media import FindSharedMedia
from media_svc.media_ids import parse_media_id
from media_svc.model import MediaState, Rendition
from meshkit.ids import PublicId
from meshkit.sight import Gate, Seen

# Smallest files first. Only types that the browser names count: `image/*` is older than AVIF and WebP.
FORMATS = ("image/avif", "image/webp", "image/jpeg")
# For a screen of unknown width.
DEFAULT_WIDTH = 1080
SAVING_WIDTH = 640
_ANONYMOUS_USER = 0


class PickRendition:
    """Picks one of a photo's renditions, or of a video's poster."""

    def __init__(self, find: FindSharedMedia, gate: Gate) -> None:
        self._find = find
        self._gate = gate

    async def __call__(self, media_id: str, width: int, accept: str, save_data: str) -> Seen[Rendition]:
        """Return the rendition. `width` is in pixels, or 0; the rest are HTTP headers. Raises MediaNotFoundError.

        Nobody knows the caller, who therefore sees what a stranger to every account sees.
        """
        parsed = parse_media_id(media_id)
        read = self._pick(parsed, width, accept, is_saving=save_data.strip().lower() == "on")
        return await self._gate.show(_ANONYMOUS_USER, parsed.owner, read, MediaNotFoundError)

    async def _pick(self, media_id: PublicId, width: int, accept: str, *, is_saving: bool) -> Rendition | None:
        media = await self._find(media_id, _ANONYMOUS_USER)
        if media is None or media.state is not MediaState.READY:
            return None
        return pick(media.renditions, width, accept, is_saving=is_saving)


def pick(renditions: Iterable[Rendition], width: int, accept: str, *, is_saving: bool) -> Rendition | None:
    """Return the rendition to show, or None if there is none that any browser shows."""
    by_type: dict[str, dict[int, Rendition]] = {}
    for each in renditions:
        by_type.setdefault(each.content_type, {})[each.width] = each
    wanted = _qualities(accept)
    shown = [each for each in FORMATS if each in by_type and (each == FORMATS[-1] or wanted.get(each, 0) > 0)]
    if not shown:
        return None
    by_width = by_type[shown[0]]
    return by_width[_fitting(by_width, width or (SAVING_WIDTH if is_saving else DEFAULT_WIDTH), is_saving=is_saving)]


def _fitting(widths: Iterable[int], wanted: int, *, is_saving: bool) -> int:
    if is_saving:
        return max((each for each in widths if each <= wanted), default=min(widths))
    return min((each for each in widths if each >= wanted), default=max(widths))


def _qualities(accept: str) -> Mapping[str, float]:
    """Parse the full type names of an Accept header with their qualities (RFC 9110)."""
    qualities: dict[str, float] = {}
    for each in accept.split(","):
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        quality = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
        try:
            qualities[name] = float(quality)
        except ValueError:
            qualities[name] = 0.0
    return qualities
