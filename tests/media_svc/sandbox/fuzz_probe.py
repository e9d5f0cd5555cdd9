"""Fuzz the probe: `… fuzz_probe FILE CONTENT_TYPE SEED COUNT` damages a film and probes each copy.

One process probes all copies, unlike the worker, so that hundreds take seconds. Prints how many were accepted and refused.
Anything else ends in a traceback or a signal.
"""

import sys
from collections import Counter
from pathlib import Path
from random import Random

from media_svc.model import MediaRejectedError
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.sandbox.probe_process import probe


def damaged(content: bytes, chance: Random, most: int = 12) -> bytes:
    """Return a file with bytes changed, removed or doubled in up to `most` places, half of them near an end."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, most)):
        reach = min(len(changed), chance.choice((64, 4_096, len(changed))))
        at = chance.randrange(reach) if chance.random() < 0.5 else len(changed) - 1 - chance.randrange(reach)
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at : at + 4] = chance.choice((0, 1, 2**31 - 1, 2**32 - 1)).to_bytes(4, "big")
            case 2:
                del changed[at : at + chance.randint(1, 64)]
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 64)]
            case _:
                changed[at : at + 8] = chance.randbytes(8)
    return bytes(changed)


def main(path: Path, content_type: str, seed: int, count: int) -> None:
    """Probe COUNT damaged films."""
    content, chance, outcomes = path.read_bytes(), Random(seed), Counter[str]()
    original = Path.cwd() / ORIGINAL_NAME
    for _ in range(count):
        original.write_bytes(damaged(content, chance))
        try:
            probe(original, content_type)
            outcomes["film"] += 1
        except MediaRejectedError:
            outcomes["refused"] += 1
    print(outcomes["film"], outcomes["refused"])  # noqa: T201 - for the test


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
