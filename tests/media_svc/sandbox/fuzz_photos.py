"""Fuzz the render process: `… fuzz_photos FILE CONTENT_TYPE SEED COUNT` damages a photo and renders each copy.

Each copy is rendered by the render process's own `main` in a forked child with its own limits, so that a crash affects one
file. The children share the loaded libraries, so hundreds take seconds. Prints the number of each outcome. A forbidden
outcome raises with the file's name.
"""

import os
import shutil
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from pathlib import Path
from random import Random

import pillow_heif  # noqa: F401 - once, instead of in each child

from media_svc.model import MediaRejectedError
from media_svc.photos.renditions import RenderLimits, read_outcome
from media_svc.sandbox.picture_manifest import LOG_NAME, MANIFEST_NAME, ORIGINAL_NAME
from media_svc.sandbox.recipes import Recipe
from media_svc.sandbox.render_process import main as render_one
from tests.media_svc.sandbox.fuzz_probe import damaged

LIMITS = RenderLimits()
PNG_SIGNATURE_BYTES = 8
# A photo this small would hardly survive more damage.
MOST_PLACES = 3


def with_valid_checksums(png: bytes) -> bytes:
    """Return a PNG with corrected chunk checksums: otherwise they would catch nearly all damage."""
    written, at = bytearray(png), PNG_SIGNATURE_BYTES
    while at + 12 <= len(written):
        end = at + 8 + int.from_bytes(written[at : at + 4], "big")
        if end + 4 > len(written):
            break
        written[end : end + 4] = zlib.crc32(written[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(written)


def ending(folder: Path, content_type: str) -> str:
    """Render FOLDER/original and return the outcome. Raises if that is not an answer for an uploader, or files are left."""
    child = os.fork()
    if child == 0:
        _render_and_exit(folder, content_type)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        made = read_outcome(folder, code)
    except MediaRejectedError as error:
        return f"{error.failure.reason} by a signal" if code else str(error.failure.reason)
    known = {ORIGINAL_NAME, MANIFEST_NAME, LOG_NAME}
    others = {each.name for each in folder.iterdir()} - known
    if len(others) != len(made.picture.renditions) or len(made.contents) == 0:
        raise AssertionError(f"these files are there: {others}")
    return "RENDITIONS"


def _render_and_exit(folder: Path, content_type: str) -> None:
    code = 1
    try:
        log = os.open(folder / LOG_NAME, os.O_CREAT | os.O_WRONLY)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        render_one(folder, content_type, Recipe.FIRST, LIMITS.memory_bytes, LIMITS.cpu_seconds)
        code = 0
    except BaseException:  # noqa: BLE001 - the child must end here, as its parent's loop is not its own
        traceback.print_exc()
    finally:
        os._exit(code)


def main(path: Path, content_type: str, seed: int, count: int) -> None:
    """Render COUNT damaged photos."""
    content, chance, endings = path.read_bytes(), Random(seed), Counter[str]()
    for number in range(count):
        bad = damaged(content, chance, MOST_PLACES)
        if content_type == "image/png" and chance.random() < 0.7:
            bad = with_valid_checksums(bad)
        folder = Path(tempfile.mkdtemp())
        (folder / ORIGINAL_NAME).write_bytes(bad)
        try:
            endings[ending(folder, content_type)] += 1
        except Exception:
            sys.stderr.write(f"file {number} of {content_type}, seed {seed}\n")
            raise
        shutil.rmtree(folder)
    print(*(f"{name}={number}" for name, number in endings.items()), sep=",")  # noqa: T201 - for the test


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
