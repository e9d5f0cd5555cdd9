"""The result of the render process: one JSON file, written last and validated by these patterns.

Only the parent imports this: loading pydantic takes longer than rendering a small picture.
"""

from pydantic import BaseModel, ConfigDict, Field

from media_svc.model import FailureReason
from media_svc.sandbox.private_folder import LOG_NAME, MANIFEST_NAME, ORIGINAL_NAME

__all__ = [
    "LOG_NAME",
    "MANIFEST_NAME",
    "ORIGINAL_NAME",
    "FailureEntry",
    "Manifest",
    "PictureEntry",
    "RenditionEntry",
    "TakenAtFields",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TakenAtFields(_Part):
    """When an original was taken; empty if unknown."""

    taken_at: str = Field(default="", pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})?$")
    taken_at_offset: str = Field(default="", pattern=r"^([+-][0-9]{2}:[0-9]{2})?$")


class RenditionEntry(_Part):
    """One file in the folder."""

    file: str = Field(pattern=r"^[0-9]+\.(avif|webp|jpg)$")
    content_type: str = Field(pattern=r"^image/(avif|webp|jpeg)$")
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class FailureEntry(_Part):
    """Why there are no renditions."""

    reason: FailureReason
    message: str


class PictureEntry(TakenAtFields):
    """The original's size as shown, its thumbhash in hexadecimal, and the renditions, narrowest first."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    thumbhash: str = Field(pattern=r"^([0-9a-f]{2}){1,64}$")
    renditions: tuple[RenditionEntry, ...] = Field(min_length=1)


class Manifest(_Part):
    """Either a picture or a failure, unless the picture is animated."""

    is_animated: bool = False
    picture: PictureEntry | None = None
    failure: FailureEntry | None = None
