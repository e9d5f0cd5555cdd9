"""Crash points kill a process at a named place, and only there."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from meshkit.crash_points import CRASH_POINTS
from meshkit.grpc.server import ServerSettings
from meshkit.settings import SettingsError
from tests.architecture.source import PACKAGES, modules_of

ROOT = Path(__file__).parents[2]
REACH = """
import sys
from meshkit.crash_points import arm, crash_point

arm(sys.argv[1])
for number in range(1, 5):
    crash_point("event.taken")
    crash_point("event.handled")
    print(number, flush=True)
"""


def test_a_process_dies_at_the_place_that_is_set() -> None:
    """`event.handled:3` kills at the third time, without any clean-up, and passes other places by."""
    assert _reach("event.handled:3") == (-signal.SIGKILL, ["1", "2"])


def test_a_process_without_the_setting_lives() -> None:
    """No setting, no death."""
    assert _reach("") == (0, ["1", "2", "3", "4"])


def test_every_place_exists() -> None:
    """The list names exactly the places in the code."""
    source = "".join(file.read_text() for package in PACKAGES for file in modules_of(package))
    places = re.findall(r'crash_point\("(.+?)"\)', source)
    assert sorted(places) == sorted(CRASH_POINTS)


@pytest.mark.parametrize("setting", ["event.handled", "event.handled:0", "event.handled:x", "nowhere:1"])
def test_a_mistyped_place_is_refused(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that does not exist would make a test pass for nothing."""
    monkeypatch.setenv("LENSFEED_CRASHPOINT", setting)
    with pytest.raises(SettingsError, match="LENSFEED_CRASHPOINT"):
        ServerSettings.load()


def _reach(setting: str) -> tuple[int, list[str]]:
    argv = (sys.executable, "-c", REACH, setting)
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split()
