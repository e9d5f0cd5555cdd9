"""Prepare and build the images of all roles: `python -m tools.images WHEEL [ROLE…]`, as `make images` does.

The context of a build is build/images: the wheel, and the lock of each role. Without buildah, that is all. With it (and
mmdebstrap, as root), bases are made from Debian's packages, and images are built without a container engine.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.image_bills import write_bill
from tools.requirements import ROOT, version
from tools.roles import ROLES, lock_of

CONTEXT = ROOT / "build" / "images"
BILLS = ROOT / "build" / "image-bills"
BASES = {"lensfeed-base": "python3,libstdc++6", "lensfeed-builder": "python3-venv,python3-pip,ca-certificates"}
"""The Debian packages of the bases. gRPC needs libstdc++."""
LIMITS_MIB = {"user": 290, "follow": 280, "post": 280, "media": 700, "feed": 260, "edge": 350}
"""What an image may take at most, with its base."""
_SUITE = "bookworm"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BUILDAH = ("buildah", "--storage-driver", "vfs")


def main() -> None:
    """Prepare the context, and build what was asked for."""
    wheel, *roles = sys.argv[1:]
    write_context(Path(wheel))
    if not shutil.which("buildah") or not shutil.which("mmdebstrap"):
        print(f"{CONTEXT} is ready. To build here: apt-get install buildah mmdebstrap")
        return
    for name, packages in BASES.items():
        make_base(name, packages)
    too_large = [role for role in roles or ROLES if build(role) > LIMITS_MIB[role]]
    if too_large:
        sys.exit(f"larger than tools/images.py allows: {', '.join(too_large)}")


def write_context(wheel: Path) -> None:
    """Write what the Dockerfile copies."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    CONTEXT.mkdir(parents=True)
    shutil.copy(wheel, CONTEXT)
    for role in ROLES:
        (CONTEXT / f"{role}.txt").write_text(lock_of(role))


def make_base(name: str, packages: str) -> None:
    """Import a base of Debian's packages unless it is there. It has no package manager and no documentation."""
    if subprocess.run([*BUILDAH, "inspect", "--type", "image", name], check=False, capture_output=True).returncode == 0:
        return
    archive = CONTEXT / f"{name}.tar"
    unwanted = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/var/lib/apt/*")
    options = [f"--dpkgopt=path-exclude={each}" for each in unwanted]
    bootstrap = ("mmdebstrap", "--quiet", "--variant=essential", *options)
    subprocess.run([*bootstrap, f"--include={packages}", _SUITE, archive], check=True)
    (CONTEXT / "Base").write_text(f"FROM scratch\nADD {archive.name} /\n")
    _bud("--file", CONTEXT / "Base", "--tag", name)
    archive.unlink()


def build(role: str) -> float:
    """Build the image of a role, and write its bill of materials beside the context. Returns its size in MiB."""
    arguments = {
        "ROLE": role,
        "VERSION": version(),
        "BASE": "localhost/lensfeed-base",
        "BUILDER": "localhost/lensfeed-builder",
    }
    words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    image = f"lensfeed-{role}:{version()}"
    _bud("--file", ROOT / "deploy" / "images" / "Dockerfile", *words, "--tag", image)
    with mounted(f"localhost/{image}") as root:
        size = sum(file.lstat().st_size for file in root.rglob("*") if file.is_file() and not file.is_symlink()) / 2**20
        parts = write_bill(root, BILLS / f"{role}.json")
    print(f"{image} {size:.0f} MiB, of at most {LIMITS_MIB[role]}, with {parts} packages", flush=True)
    return size


@contextlib.contextmanager
def mounted(image: str) -> Iterator[Path]:
    """Mount the files of an image for a block."""
    container = say("from", "--pull-never", image)
    try:
        yield Path(say("mount", container))
    finally:
        say("rm", container)


def say(*words: str) -> str:
    """Return what buildah prints."""
    return subprocess.run([*BUILDAH, *words], check=True, capture_output=True, text=True).stdout.strip()


def _bud(*words: str | Path) -> None:
    # Debian's pip trusts the certificates of the machine that builds.
    trust = ("--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro") if _CERTIFICATES.exists() else ()
    options = ("--isolation", "chroot", "--format", "docker", "--layers=false", "--pull-never", "--quiet")
    subprocess.run([*BUILDAH, "bud", *options, *trust, *words, CONTEXT], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
