"""Bytes in S3 by tier. Pure."""

from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs

# docs/s3.md: originals move to colder storage at these ages.
WARM_DAYS, COOL_DAYS = 90, 365


@dataclass(frozen=True, slots=True)
class Tiers:
    """Bytes of each storage class."""

    standard: float
    infrequent: float
    archive: float

    @property
    def total(self) -> float:
        """Bytes in all."""
        return self.standard + self.infrequent + self.archive


def originals_a_day(inputs: Inputs) -> float:
    """Return the bytes that people upload in a day: photos, and videos of a length."""
    media = inputs.media
    photos = (1 - media.video_share) * media.photo_bytes
    return inputs.mission.posts * (photos + media.video_share * media.video_seconds * media.video_bytes)


def renditions_a_day(inputs: Inputs) -> float:
    """Return the bytes that workers make of them. A photo's AVIFs have bits * pixels / 8 bytes."""
    media = inputs.media
    photos = (1 - media.video_share) * photo_avif_bytes(inputs, media.megapixels) * media.formats
    return inputs.mission.posts * (photos + media.video_share * media.video_seconds * media.rungs_bytes)


def photo_avif_bytes(inputs: Inputs, megapixels: float) -> float:
    """Return the bytes of an AVIF."""
    return inputs.media.avif_bits * megapixels * 1e6 / 8


def tiers(inputs: Inputs, days: float) -> Tiers:
    """Return what is stored after so many days. Nothing is deleted; renditions stay in STANDARD."""
    daily = originals_a_day(inputs)
    return Tiers(
        standard=renditions_a_day(inputs) * days + daily * min(days, WARM_DAYS),
        infrequent=daily * min(max(days - WARM_DAYS, 0), COOL_DAYS - WARM_DAYS),
        archive=daily * max(days - COOL_DAYS, 0),
    )


def delivered_a_day(inputs: Inputs, loads: float) -> float:
    """Return the bytes that apps load in a day, for so many loads a day."""
    media = inputs.media
    photo = photo_avif_bytes(inputs, media.shown_megapixels)
    # Videos play in a middle rung: a fifth of all rungs, as 480p and 720p are.
    video = media.video_seconds * media.rungs_bytes / 5
    return loads * ((1 - media.video_share) * photo + media.video_share * video)
