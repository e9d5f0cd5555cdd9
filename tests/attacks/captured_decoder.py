"""What a decoder does that a file has taken over: run as `python -m tests.attacks.captured_decoder PLACE FOLDER`.

It reads FOLDER/targets.json, tries everything, and writes what succeeded to FOLDER/taken.json. PLACE says whose decoder it
is: everything around that decoder is the real code.
"""

import ctypes
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media_svc.sandbox import animation_process, fork_server, probe_process, render_process
from media_svc.sandbox.recipes import Recipe

MPTCP = 262
PTRACE_ATTACH, PTRACE_DETACH = 16, 17


def attack(folder: Path) -> None:
    """Try everything, and report what succeeded."""
    targets = json.loads((folder / "targets.json").read_text())
    taken = [name for name, attempt in _attempts(targets).items() if _succeeds(attempt)]
    (folder / "taken.json").write_text(json.dumps(taken))


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _attempts(targets: dict[str, Any]) -> dict[str, Callable[[], object]]:
    worker, key, outside = targets["worker"], Path(targets["key"]), Path(targets["outside"])
    valkey, s3 = tuple(targets["valkey"]), tuple(targets["s3"])
    own = Path(targets["own"])
    return {
        "read the worker's environment": Path(f"/proc/{worker}/environ").read_bytes,
        "open the worker's memory": lambda: Path(f"/proc/{worker}/mem").open("rb").close(),
        "list processes": lambda: list(Path("/proc").iterdir()),
        "read the token key": key.read_bytes,
        "read another upload": Path(targets["other"]).read_bytes,
        "list other uploads": lambda: list(Path(targets["other"]).parent.iterdir()),
        "read passwords": Path("/etc/passwd").read_bytes,
        "write outside": lambda: outside.write_bytes(b"taken"),
        "truncate the key": lambda: os.truncate(key, key.stat().st_size),
        "open the key to everyone": lambda: key.chmod(0o644),
        "date the key back": lambda: os.utime(key, (0, 0)),
        "leave a link for the worker": lambda: (own / "link").symlink_to(key),
        "leave a pipe for the worker": lambda: os.mkfifo(own / "pipe"),
        "connect to Valkey": lambda: _connect(socket.AF_INET, socket.IPPROTO_TCP, valkey),
        "connect to S3": lambda: _connect(socket.AF_INET, socket.IPPROTO_TCP, s3),
        "connect by MPTCP": lambda: _connect(socket.AF_INET, MPTCP, valkey),
        "send a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"taken", valkey),
        "connect to a Unix socket": lambda: _connect(socket.AF_UNIX, 0, targets["unix"]),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "signal the worker": lambda: os.kill(worker, 0),
        "limit the worker": lambda: resource.prlimit(
            worker, resource.RLIMIT_CORE, resource.prlimit(worker, resource.RLIMIT_CORE)
        ),
        "slow the worker down": lambda: os.setpriority(os.PRIO_PROCESS, worker, 0),
        "trace the worker": lambda: _trace(targets["traced"]),
    }


def _connect(family: int, protocol: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as opened:
        opened.connect(address)


def _trace(pid: int) -> None:
    """Attach to a process. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).ptrace(PTRACE_ATTACH, pid, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")


def main(place: str, folder: Path) -> None:
    """Run at a place."""
    match place:
        case "ffmpeg":
            attack(folder)
        case "probe":
            setattr(probe_process, "probe", lambda original, _: attack(original.parent))  # noqa: B010 - mypy forbids it
            probe_process.main(folder, "video/mp4")
        case "animation":
            setattr(animation_process, "convert", lambda original, *_: attack(original.parent))  # noqa: B010 - as above
            animation_process.main(folder, "image/gif")
        case "render":
            setattr(render_process, "open_picture", lambda original, *_: attack(original.parent))  # noqa: B010 - as above
            render_process.main(folder, "image/jpeg", Recipe.FIRST, 330 * 1024**2, 9)
        case "fork":
            setattr(render_process, "open_picture", lambda original, *_: attack(original.parent))  # noqa: B010 - as above
            fork_server.main()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
