"""Reads the log files of a mesh while it writes them."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from devmesh.errors import MeshError
from devmesh.logs.record import EARLIEST, Record, read_record


class LogFile:
    """The log of a part."""

    def __init__(self, path: Path) -> None:
        self.service = path.stem
        self._path = path
        self._inode = 0
        self._offset = 0
        self._last = Record(EARLIEST, "", "")

    def read_new(self) -> Iterator[tuple[str, Record]]:
        """Yield what was logged since the last call, with the part's name. An unfinished line waits for the next call.

        A line that is no record belongs to the one before it, such as a traceback; after a harmless one it is a record
        of its own whose level is unknown. Times never run backwards. A log that was rotated is read from its start.
        """
        record: Record | None = None
        for line in self._new_lines():
            begun = read_record(line)
            if begun is None and record and not self._stands_alone(line, record):
                record = replace(record, text=f"{record.text}\n{line}")
                continue
            if record:
                yield self.service, record
            if begun is None:
                begun = Record(self._last.time, "", line)
            record = self._last = replace(begun, time=max(begun.time, self._last.time))
        if record:
            yield self.service, record

    @staticmethod
    def _stands_alone(line: str, before: Record) -> bool:
        return line.startswith("{") or (before.is_harmless and not line[:1].isspace())

    def _new_lines(self) -> Iterator[str]:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:  # it is being rotated
            return
        with file:
            found = self._path.stat()
            if found.st_ino != self._inode or found.st_size < self._offset:
                self._inode, self._offset = found.st_ino, 0
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield line.decode(errors="replace").rstrip("\r\n")


class LogFolder:
    """The logs of a mesh: all, or those of some services."""

    def __init__(self, folder: Path, services: Iterable[str]) -> None:
        """Choose what to read. Raises MeshError if a service has no log here."""
        self._folder = folder
        self._services = frozenset(services)
        self._files: dict[str, LogFile] = {}
        there = sorted(path.stem for path in folder.glob("*.log"))
        if unknown := sorted(self._services.difference(there)):
            raise MeshError(f"no log of {', '.join(unknown)}; there are {', '.join(there) or 'none'}")

    def read_new(self) -> Iterator[tuple[str, Record]]:
        """Yield what was logged since the last call, ordered by time. Logs of parts that started meanwhile are included."""
        for path in sorted(self._folder.glob("*.log")):
            if path.stem in self._services or not self._services:
                self._files.setdefault(path.stem, LogFile(path))
        yield from heapq.merge(*(file.read_new() for file in self._files.values()), key=lambda found: found[1].time)
