"""What the use cases need of the world beside their store: an object store, and a way to tell others what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from media_svc.delivery.cache_classes import CacheClass
from media_svc.model import Media
from media_svc.uploads.rules import Part
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId


@dataclass(frozen=True, slots=True)
class SignedPut:
    """One PUT that anyone who has it may do until it expires: of exactly the bytes' number it was signed for.

    `headers` must be sent as they are. The length is signed too; every HTTP client states it by itself.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is there. ETags are without quotes everywhere."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a multipart upload that is there."""

    number: int
    etag: str
    size_bytes: int


class Objects(Protocol):
    """One bucket. Every method but the signing ones raises UnavailableError where it does not answer."""

    async def sign_put(self, key: str, content_type: str, size_bytes: int, seconds: int) -> SignedPut:
        """Sign a PUT of a whole object, of that type and size."""
        ...

    async def sign_part(self, key: str, upload_id: str, part: Part, seconds: int) -> SignedPut:
        """Sign a PUT of one part, of that size."""
        ...

    async def start_multipart(self, key: str, content_type: str) -> str:
        """Begin a multipart upload; returns its id."""
        ...

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart] | None:
        """Return the parts that are there, ascending; None where there is no such upload (any more)."""
        ...

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> None:
        """Make the parts one object. Where that cannot be done, or was done before, nothing is raised: look by `head`."""
        ...

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; one that is not there is no error."""
        ...

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None."""
        ...

    async def copy(self, source: str, target: str, etag: str, size_bytes: int) -> bool:
        """Copy an object of that size if it is there and still has that ETag; returns whether it did."""
        ...

    async def download(self, key: str, path: Path) -> bool:
        """Write an object into a new file; returns False where it is not there.

        One in an archive is ordered from there and UnavailableError raised, until it has come, which takes hours.
        """
        ...

    async def put(self, key: str, content: bytes, content_type: str, cache_control: str) -> None:
        """Store an object."""
        ...

    async def put_file(self, key: str, path: Path, content_type: str, cache_control: str) -> None:
        """Store a file as an object, however large it is, without holding it in memory."""
        ...

    async def list_keys(self, prefix: str) -> Sequence[str]:
        """Return the keys of the objects under a prefix, ascending."""
        ...

    async def recache(self, key: str, cache_control: str) -> bool:
        """Give an object another Cache-Control, if it is there, is kept for ever by browsers, and has not that one already.

        Returns whether it did.
        """
        ...

    async def delete(self, key: str) -> None:
        """Drop an object; one that is not there is no error."""
        ...


class Caches(Protocol):
    """The caches between S3 and apps that do not ask again by themselves soon enough."""

    async def purge(self, names: Sequence[str]) -> None:
        """Have them forget some files, by their names. Raises UnavailableError where that is not certain."""
        ...


class Popularity(Protocol):
    """How often media are looked at, fading: a view counts half after an hour. What is lost of it is counted anew.

    Every method raises UnavailableError where it cannot be reached.
    """

    async def count(self, views: Mapping[PublicId, int]) -> None:
        """Add views. A medium that reaches a class by them is put among the changed ones."""
        ...

    async def review(self) -> None:
        """Put the media that have left their class among the changed ones."""
        ...

    async def changed(self, limit: int) -> Mapping[PublicId, CacheClass]:
        """Return media whose class has changed, with what it is now, at most `limit`, those that wait longest."""
        ...

    async def settle(self, media_id: PublicId, cache_class: CacheClass) -> None:
        """Take a medium off the changed ones, unless its class is another by now."""
        ...

    async def forget(self, media_id: PublicId) -> None:
        """Drop all that is known of a medium."""
        ...


class PopularPhotos(Protocol):
    """The photos of which better renditions are to be made."""

    async def add(self, media_id: PublicId) -> bool:
        """Add one, unless it is there; returns whether it was added. Raises UnavailableError."""
        ...


class Uses(Protocol):
    """Where in the mesh media are shown."""

    async def among(self, owner_id: int, media_ids: Sequence[str]) -> set[str]:
        """Return those of an owner's media that are shown somewhere, or will be. Raises UnavailableError."""
        ...


class Events(Protocol):
    """How others learn what happened to a medium: a record goes into the store with the write, and is sent after it."""

    def uploaded(self, media: Media) -> OutboxRecord:
        """Make the record of a medium whose bytes are all there."""
        ...

    def ready(self, media: Media) -> OutboxRecord:
        """Make the record of a medium that can be served."""
        ...

    def improved(self, media: Media) -> OutboxRecord:
        """Make the record of a medium that has better renditions now."""
        ...

    def rejected(self, media: Media) -> OutboxRecord:
        """Make the record of a medium that will never be served."""
        ...

    def send_soon(self, *records: OutboxRecord) -> None:
        """Begin to send committed records; never waits, never fails."""
        ...
