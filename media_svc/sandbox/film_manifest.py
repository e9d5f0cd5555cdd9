"""The result of the probe process: one JSON file, written last and validated by these patterns."""

from pydantic import BaseModel, ConfigDict, Field

from media_svc.sandbox.picture_manifest import FailureEntry, TakenAtFields

PROBE_NAME = "probe.json"
# The film that an animated picture becomes.
ANIMATION_NAME = "animation.mp4"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColoursEntry(_Part):
    """The colour space of the frames, in the code points of H.273; 2 is unspecified."""

    primaries: int = Field(ge=0, le=255)
    transfer: int = Field(ge=0, le=255)
    matrix: int = Field(ge=0, le=255)


class FilmEntry(TakenAtFields):
    """The properties of a film: pixels as shown, and the measured frame rate as a fraction."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    duration_ms: int = Field(gt=0)
    frame_rate: str = Field(pattern=r"^[0-9]{1,9}/[0-9]{1,9}$")
    video_stream: int = Field(ge=0)
    audio_stream: int | None = Field(ge=0)
    colours: ColoursEntry
    is_interlaced: bool


class ProbeManifest(_Part):
    """Either a film or a failure."""

    film: FilmEntry | None = None
    failure: FailureEntry | None = None
