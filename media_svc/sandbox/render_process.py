"""Decode one picture, write its renditions, and exit.

Called as `python -m media_svc.sandbox.render_process FOLDER CONTENT_TYPE RECIPE MEMORY_BYTES CPU_SECONDS NICENESS`.

Decoders are the target of hostile files. So each picture gets its own process, started by exec, with limits, without
credentials, and with nothing but FOLDER: it reads the original there, and writes the renditions and the manifest. The exit
code is 0 whenever there is a manifest, even if that reports a failure.
"""

import ctypes
import json
import os
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyvips

from media_svc.confinement.confine import confine
from media_svc.model import AnimatedPictureError, MediaRejectedError
from media_svc.sandbox.encode import RECIPES, Encoding, decode_largest, shrink, sizes, thumbhash
from media_svc.sandbox.originals.keep import clean_original
from media_svc.sandbox.picture_limits import NO_LIMITS, PictureLimits
from media_svc.sandbox.private_folder import MANIFEST_NAME, ORIGINAL_NAME
from media_svc.sandbox.read_picture import open_picture, shown_size, taken_at_of
from media_svc.sandbox.recipes import Recipe

OPEN_FILES = 64
# Far above any rendition: libvips also writes temporary files for pictures that it cannot decode row by row.
WRITTEN_BYTES = 256 * 1024 * 1024
# More than pixels, libraries and thread stacks ever reserve.
ADDRESS_BYTES = 2 * 1024**3
# Stacks count as memory even if unused. The default is the shell's 8 MiB.
STACK_BYTES = 1024 * 1024
# More than any GNU C library's pthread_attr_t.
_ATTRIBUTES_BYTES = 128


class _RenditionFile(NamedTuple):
    """One file of the manifest. `picture_manifest`, which validates it in the parent, is too slow to import here."""

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
    *,
    limits: PictureLimits = NO_LIMITS,
) -> None:
    """Make the renditions of FOLDER/original. Raises LargePictureError if it is above the limits."""
    os.nice(niceness)
    _limit_resources(memory_bytes, cpu_seconds)
    _prepare_vips()
    confine(folder)
    try:
        manifest: dict[str, Any] = {"picture": _render(folder, content_type, RECIPES[recipe], limits)}
    except AnimatedPictureError:
        manifest = {"is_animated": True}
    except MediaRejectedError as error:
        # The decoder's message goes to the log, never to the client.
        traceback.print_exception(error)
        manifest = {"failure": {"reason": error.failure.reason, "message": error.failure.message}}
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))


def _render(folder: Path, content_type: str, encodings: Sequence[Encoding], limits: PictureLimits) -> dict[str, Any]:
    image = open_picture(folder / ORIGINAL_NAME, content_type, limits)
    (width, height), taken_at = shown_size(image), taken_at_of(image)
    largest = decode_largest(image)
    # The original's pixels are freed before the others are encoded.
    del image
    entries = [
        entry
        for size in sizes(width, height)
        for entry in _write_formats(folder, shrink(largest, *size), size[0], encodings)
    ]
    if (largest.width, largest.height) == (width, height):
        _keep_original(folder, content_type, [each for each in entries if each.width == width])
    renditions = [each._asdict() for each in entries]
    return {
        "width": width,
        "height": height,
        "thumbhash": thumbhash(largest).hex(),
        "renditions": renditions,
        "taken_at": taken_at.local,
        "taken_at_offset": taken_at.offset,
    }


def _write_formats(
    folder: Path, image: pyvips.Image, width: int, encodings: Sequence[Encoding]
) -> list[_RenditionFile]:
    entries = []
    for encoding in encodings:
        if image.width * image.height > encoding.most_pixels:
            continue
        file = f"{width}.{encoding.extension}"
        (folder / file).write_bytes(encoding.write(image))
        entries.append(
            _RenditionFile(file=file, content_type=encoding.content_type, width=image.width, height=image.height)
        )
    return entries


def _keep_original(folder: Path, content_type: str, entries: list[_RenditionFile]) -> None:
    """Replace the rendition of the original's own size and type by the original, if that is no larger."""
    path = folder / ORIGINAL_NAME
    for file in (folder / each.file for each in entries if each.content_type == content_type):
        # The check decodes the picture again, so it comes last.
        if path.stat().st_size <= file.stat().st_size and (original := clean_original(path, content_type)) is not None:
            file.write_bytes(original)


def _limit_resources(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process: past the CPU limit it gets a signal, past the memory limit allocations fail."""
    # The soft CPU limit sends SIGXCPU. The hard one sends SIGKILL, which looks like lack of memory.
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
    """Give future threads small stacks, if the C library is GNU's."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "pthread_setattr_default_np"):
        attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
        libc.pthread_attr_init(attributes)
        libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(STACK_BYTES))
        libc.pthread_setattr_default_np(attributes)


def _prepare_vips() -> None:
    """Block every libvips loader except those that `read_picture` uses, and disable the cache."""
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in ("Jpeg", "Png", "Webp", "Heif", "Nsgif"):
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Recipe(sys.argv[3]), *map(int, sys.argv[4:]))
