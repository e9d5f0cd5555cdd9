"""What setup.cfg puts into a wheel. It lists packages one by one, and nothing else would notice a forgotten one."""

from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("devmesh", "edge_proxy", "feed_svc", "follow_svc", "media_svc", "meshkit", "post_svc", "user_svc")
DATA = (".sql", ".cql", ".binpb", ".typed")


def config() -> ConfigParser:
    """Read setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def packages() -> set[str]:
    """Return the listed packages."""
    return set(config()["options"]["packages"].split())


def test_every_package_is_listed() -> None:
    """A folder with an `__init__.py` in a room, and every folder of contracts, is a listed package; so is nothing else."""
    ours = {path.parent.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    contracts = {path.parent.relative_to(ROOT / "protos") for path in (ROOT / "protos/lensfeed").rglob("*.proto")}
    assert packages() == {".".join(path.parts) for path in ours | contracts} | {"buf.validate"}


def test_every_data_file_is_packaged() -> None:
    """Migrations, the descriptors of the contracts and the marker of types match a pattern of their package."""
    patterns = [each.strip() for each in config()["options.package_data"]["*"].split(",")]
    files = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in DATA]
    assert Path("edge_proxy/lensfeed.binpb") in files
    for file in files:
        package = next(each for each in file.parents if ".".join(each.parts) in packages())
        inside = file.relative_to(package).as_posix()
        assert any(fnmatch(inside, each) and inside.count("/") == each.count("/") for each in patterns), file
