"""When a photo or film was taken, by its metadata: local time, and the offset from UTC if it is known. Never the place."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL, _EXIF_FOLDER = 0x9003, 0x9011, 0x8769
_FOLDER_HEADER, _ENTRY_BYTES, _ASCII, _LONG = 2, 12, 2, 4
# More entries than any camera writes.
_MOST_ENTRIES = 200
_EXIF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
# QuickTime's own key has the local time; `creation_time` is in UTC.
_LOCAL_KEY, _UTC_KEY = "com.apple.quicktime.creationdate", "creation_time"
_FILM_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
# Cameras without a set clock begin before this year.
_FIRST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class TakenAt:
    """A local time as `2024-05-01T12:30:00`, and its offset as `+02:00`; both are empty if unknown."""

    local: str = ""
    offset: str = ""


def taken_at_of_exif(exif: bytes) -> TakenAt:
    """Return when a photo with this EXIF was taken. Malformed EXIF has no time."""
    try:
        entries = _entries(exif.removeprefix(b"Exif\0\0"))
    except (struct.error, ValueError):
        return TakenAt()
    found = _EXIF_TIME.fullmatch(entries.get(_DATE_TIME_ORIGINAL, ""))
    return (
        _checked("{}-{}-{}T{}".format(*found.groups()), entries.get(_OFFSET_TIME_ORIGINAL, "")) if found else TakenAt()
    )


def taken_at_of_film(metadata: Mapping[str, str]) -> TakenAt:
    """Return when a film with the metadata of this container was taken."""
    for key in (_LOCAL_KEY, _UTC_KEY):
        if found := _FILM_TIME.fullmatch(metadata.get(key, "")):
            offset = "+00:00" if found[2] == "Z" else found[2] or ""
            return _checked(found[1], offset)
    return TakenAt()


def _checked(local: str, offset: str) -> TakenAt:
    """Return a time that exists; with an offset that does."""
    try:
        is_set = datetime.fromisoformat(local).year >= _FIRST_YEAR
    except ValueError:
        return TakenAt()
    known = _OFFSET.fullmatch(offset)
    return TakenAt(local, "{}{}:{}".format(*known.groups()) if known else "") if is_set else TakenAt()


def _entries(tiff: bytes) -> Mapping[int, str]:
    """Return the texts of the folder in which cameras write times."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        raise ValueError("not TIFF")
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    links = [value for tag, kind, _, value in _folder(tiff, order, first) if (tag, kind) == (_EXIF_FOLDER, _LONG)]
    return {
        tag: tiff[value : value + count].rstrip(b"\0 ").decode("ascii", "replace")
        for link in links[:1]
        for tag, kind, count, value in _folder(tiff, order, link)
        if kind == _ASCII
    }


def _folder(tiff: bytes, order: str, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type, count and value of each entry."""
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for number in range(min(count, _MOST_ENTRIES)):
        tag, kind, length, value = struct.unpack_from(f"{order}HHII", tiff, at + _FOLDER_HEADER + number * _ENTRY_BYTES)
        yield tag, kind, length, value
