"""Argon2id alone, with the parameters and threads of user_svc.

`python -m bench.writes.bare_argon2 HASHES` answers each line of input with the wall and CPU time of this many hashes.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from argon2.low_level import Type, hash_secret

from user_svc.accounts.passwords import MEMORY_KIB, PARALLELISM, TIME_COST

PASSWORD, SALT, HASH_BYTES = b"correct horse battery staple", bytes(16), 32


def main(hashes: int) -> None:
    """Hash whenever asked, until the input ends."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        list(threads.map(_hash, range(hashes)))
        print("ready", flush=True)
        for _line in sys.stdin:
            wall, cpu = time.perf_counter(), time.process_time()
            list(threads.map(_hash, range(hashes)))
            print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


def _hash(_number: int) -> bytes:
    return hash_secret(PASSWORD, SALT, TIME_COST, MEMORY_KIB, PARALLELISM, HASH_BYTES, Type.ID)


if __name__ == "__main__":
    main(int(sys.argv[1]))
