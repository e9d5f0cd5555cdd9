"""Data files are in the wheel. A missing one would only be noticed after an installation."""

from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("devmesh", "edge_proxy", "feed_svc", "follow_svc", "media_svc", "meshkit", "post_svc", "user_svc")


def config() -> ConfigParser:
    """Read setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def packages() -> set[str]:
    """Return the listed packages."""
    return set(config()["options"]["packages"].split())


def test_every_data_file_is_packaged() -> None:
    """Every non-Python file of a package (migrations, configuration, descriptors) matches a pattern."""
    patterns = [each.strip() for each in config()["options.package_data"]["*"].split(",")]
    inside_rooms = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    files = [path.relative_to(ROOT) for path in inside_rooms if path.suffix not in {".py", ".pyc"}]
    assert Path("edge_proxy/lensfeed.binpb") in files
    for file in files:
        package = next(each for each in file.parents if ".".join(each.parts) in packages())
        inside = file.relative_to(package).as_posix()
        assert any(fnmatch(inside, each) and inside.count("/") == each.count("/") for each in patterns), file
