"""Decode one picture and write its renditions, in a process of its own, then exit.

Called as `python -m media_svc.sandbox.render_process FOLDER CONTENT_TYPE RECIPE MEMORY_BYTES CPU_SECONDS NICENESS`.

Decoders are where hostile bytes bite, so each picture gets a process of its own, started by exec, with limits, without
credentials, and with nothing but FOLDER: the original is read from there, renditions and the manifest written there.
The exit code is 0 whenever there is a manifest, also where that tells of a failure.
"""

import ctypes
import json
import math
import os
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyvips

from media_svc.model import MediaRejectedError
from media_svc.sandbox.encode import RECIPES, Encoding, decode_largest, shrink, sizes, thumbhash
from media_svc.sandbox.keep_original import clean_original
from media_svc.sandbox.private_folder import MANIFEST_NAME, ORIGINAL_NAME
from media_svc.sandbox.read_picture import open_picture, shown_size
from media_svc.sandbox.recipes import Recipe

OPEN_FILES = 64
# No rendition comes near that, but libvips writes what it cannot decode row by row and does not want in memory.
WRITTEN_BYTES = 256 * 1024 * 1024
# More than pixels, libraries and the stacks of threads ever reserve without using it.
ADDRESS_BYTES = 2 * 1024**3
# What a thread may put on its stack counts as memory, needed or not; libraries leave it at the 8 MiB of a shell.
STACK_BYTES = 1024 * 1024
# More than any GNU C library's pthread_attr_t.
_ATTRIBUTES_BYTES = 128


class _Written(NamedTuple):
    """One file of the manifest. `picture_manifest`, which validates it in the parent, takes too long to load here."""

    file: str
    content_type: str
    width: int
    height: int


def main(
    folder: Path,
    content_type: str,
    recipe: Recipe,
    memory_bytes: int,
    cpu_seconds: int,
    niceness: int = 0,
    room_bytes: float = math.inf,
) -> None:
    """Make the renditions of FOLDER/original. Raises NeedsRoomError where its decoder would keep more than `room_bytes`."""
    os.nice(niceness)
    _limit_resources(memory_bytes, cpu_seconds)
    _prepare_vips()
    try:
        manifest = {"picture": _render(folder, content_type, RECIPES[recipe], room_bytes)}
    except MediaRejectedError as error:
        # What the decoder said is for the log, never for the client.
        traceback.print_exception(error)
        manifest = {"failure": {"reason": error.failure.reason, "message": error.failure.message}}
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))


def _render(folder: Path, content_type: str, encodings: Sequence[Encoding], room_bytes: float) -> dict[str, Any]:
    width, height, largest = _decode(folder / ORIGINAL_NAME, content_type, room_bytes)
    entries = [
        entry
        for size in sizes(width, height)
        for entry in _write_formats(folder, shrink(largest, *size), size[0], encodings)
    ]
    if (largest.width, largest.height) == (width, height):
        _keep_original(folder, content_type, [each for each in entries if each.width == width])
    renditions = [each._asdict() for each in entries]
    return {"width": width, "height": height, "thumbhash": thumbhash(largest).hex(), "renditions": renditions}


def _decode(original: Path, content_type: str, room_bytes: float) -> tuple[int, int, pyvips.Image]:
    """Return the original's size as shown and the largest rendition. The original's own pixels are let go on return."""
    image = open_picture(original, content_type, room_bytes)
    return *shown_size(image), decode_largest(image)


def _write_formats(folder: Path, image: pyvips.Image, width: int, encodings: Sequence[Encoding]) -> list[_Written]:
    entries = []
    for encoding in encodings:
        if image.width * image.height > encoding.most_pixels:
            continue
        file = f"{width}.{encoding.extension}"
        (folder / file).write_bytes(encoding.write(image))
        entries.append(_Written(file=file, content_type=encoding.content_type, width=image.width, height=image.height))
    return entries


def _keep_original(folder: Path, content_type: str, entries: list[_Written]) -> None:
    """Put the original in the place of the rendition of its own size and type, where that would be no smaller and lose more."""
    original = clean_original(folder / ORIGINAL_NAME, content_type)
    for file in (folder / each.file for each in entries if each.content_type == content_type):
        if original is not None and len(original) <= file.stat().st_size:
            file.write_bytes(original)


def _limit_resources(memory_bytes: int, cpu_seconds: int) -> None:
    """Bind this process. Past the CPU limit the kernel ends it by a signal; past the memory limit allocations fail."""
    # At the soft CPU limit comes SIGXCPU; at the hard one it would be a SIGKILL, which looks like lack of memory.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    limits = {
        resource.RLIMIT_AS: ADDRESS_BYTES,
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: WRITTEN_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    _limit_stacks()


def _limit_stacks() -> None:
    """Give threads that are still to come small stacks, where the C library is GNU's."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "pthread_setattr_default_np"):
        attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
        libc.pthread_attr_init(attributes)
        libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(STACK_BYTES))
        libc.pthread_setattr_default_np(attributes)


def _prepare_vips() -> None:
    """Take every loader away from libvips but those that `read_picture` calls by name, and keep no pixels for later."""
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in ("Jpeg", "Png", "Webp", "Heif"):
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Recipe(sys.argv[3]), *map(int, sys.argv[4:]))
