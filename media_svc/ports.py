"""What the use cases need besides their store: an object store, caches, popularity and events."""

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
    """A presigned PUT. Anyone who has it can use it until it expires, for exactly the signed number of bytes.

    `headers` must be sent unchanged. The length is signed too; every HTTP client sends it by itself.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the bucket. ETags have no quotes anywhere."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A stored part of a multipart upload."""

    number: int
    etag: str
    size_bytes: int


class Objects(Protocol):
    """One bucket. Every method except the signing ones raises UnavailableError if it does not answer."""

    async def sign_put(self, key: str, content_type: str, size_bytes: int, seconds: int) -> SignedPut:
        """Sign a PUT of a whole object of this type and size."""
        ...

    async def sign_parts(self, key: str, upload_id: str, parts: Sequence[Part], seconds: int) -> Sequence[SignedPut]:
        """Sign a PUT of each part, of its size."""
        ...

    async def start_multipart(self, key: str, content_type: str) -> str:
        """Start a multipart upload and return its id."""
        ...

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart] | None:
        """Return the stored parts, ascending, or None if the upload does not exist (any more)."""
        ...

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> None:
        """Join the parts to one object. Raises nothing if that is impossible or already done: check with `head`."""
        ...

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Delete an upload and its parts, if they exist."""
        ...

    async def head(self, key: str) -> StoredObject | None:
        """Return an object's ETag and size, or None."""
        ...

    async def copy(self, source: str, target: str, etag: str, size_bytes: int) -> bool:
        """Copy an object of this size if it still has this ETag. Returns whether it did."""
        ...

    async def download(self, key: str, path: Path) -> bool:
        """Write an object to a new file. Returns False if it does not exist.

        An archived object is requested from the archive, which takes hours. Until then UnavailableError is raised.
        """
        ...

    async def put(self, key: str, content: bytes, content_type: str, cache_control: str) -> None:
        """Store an object."""
        ...

    async def put_file(self, key: str, path: Path, content_type: str, cache_control: str) -> None:
        """Store a file of any size as an object without loading it into memory."""
        ...

    async def list_keys(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, ascending."""
        ...

    async def recache(self, key: str, cache_control: str) -> bool:
        """Change the Cache-Control of an object that browsers cache as immutable. Returns whether it changed.

        Objects that do not exist, are not immutable or already have this value are left alone.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        ...


class Caches(Protocol):
    """CDN caches in front of S3 that keep files longer than a removed medium may live."""

    async def purge(self, names: Sequence[str]) -> None:
        """Purge files by their names. Raises UnavailableError if that is not certain."""
        ...


class Popularity(Protocol):
    """How often media are viewed, with decay: a view counts half after an hour. Lost counts build up again.

    Every method raises UnavailableError if the counts cannot be reached.
    """

    async def count(self, views: Mapping[PublicId, int]) -> None:
        """Add views. A medium that reaches a class becomes a changed one."""
        ...

    async def review(self) -> None:
        """Mark the media that have left their class as changed."""
        ...

    async def changed(self, limit: int) -> Mapping[PublicId, CacheClass]:
        """Return up to `limit` media whose class has changed, with their current class, oldest change first."""
        ...

    async def acknowledge(self, media_id: PublicId, cache_class: CacheClass) -> None:
        """Unmark a changed medium, unless its class has changed again."""
        ...

    async def forget(self, media_id: PublicId) -> None:
        """Delete everything known about a medium."""
        ...


class PopularPhotos(Protocol):
    """The queue of photos that should get better renditions."""

    async def add(self, media_id: PublicId) -> bool:
        """Add a photo, unless it is queued. Returns whether it was added. Raises UnavailableError."""
        ...


class UnfinishedMedia(Protocol):
    """Which media of each owner are neither READY nor REJECTED. It may list some that are.

    Every method raises UnavailableError if that cannot be reached.
    """

    async def add(self, media_id: PublicId, limit: int) -> bool:
        """Add a new medium, unless its owner has `limit` others. Returns whether it is listed. Repeating it changes nothing."""
        ...

    async def to_check(self, owner_id: int) -> Sequence[PublicId]:
        """Return an owner's media, in order of their ids. For a few seconds after that, return none."""
        ...

    async def remove(self, media_ids: Sequence[PublicId]) -> None:
        """Remove media of one owner."""
        ...


class MediaUsage(Protocol):
    """Where the mesh uses media."""

    async def filter_used(self, owner_id: int, media_ids: Sequence[str]) -> set[str]:
        """Return those of an owner's media that are in use or will be. Raises UnavailableError."""
        ...


class Events(Protocol):
    """The events of media. An event is stored together with the change itself and sent afterwards."""

    def uploaded(self, media: Media) -> OutboxRecord:
        """Return the event of a medium whose bytes are complete."""
        ...

    def ready(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that can be served."""
        ...

    def improved(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that has better renditions."""
        ...

    def rejected(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that will never be served."""
        ...

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start sending committed events. Never waits and never fails."""
        ...
