"""Folders for media in progress: private, and removed even if their worker is killed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from media_svc.work_folder import Purpose, remove_abandoned, work_folder
from tests.media_svc import keep_work_folders


@pytest.fixture(autouse=True)
def _in_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_a_folder_is_private_and_deleted_after_use(tmp_path: Path, purpose: Purpose) -> None:
    """Nobody else can read it, it is not removed while in use, and it goes in the end."""
    with work_folder(purpose) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        remove_abandoned(young_seconds=0)
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_folders_of_a_killed_worker_are_removed(tmp_path: Path) -> None:
    """They stay while the worker lives, and the next worker removes them once it is dead and they are a minute old."""
    command = (sys.executable, keep_work_folders.__file__)
    root = str(Path(keep_work_folders.__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": root}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()
        remove_abandoned(young_seconds=0)
        left = set(tmp_path.iterdir())
        worker.kill()
    assert (said, len(left)) == (b"ready\n", len(get_args(Purpose)))
    remove_abandoned()
    assert set(tmp_path.iterdir()) == left
    remove_abandoned(young_seconds=0)
    assert list(tmp_path.iterdir()) == []


def test_other_folders_stay(tmp_path: Path) -> None:
    """What is not a work folder is left alone, as is what a link leads to."""
    other = tmp_path / "lensfeed-0-abc"
    other.mkdir()
    (other / "admin").touch()
    (tmp_path / "lensfeed-render-link").symlink_to(other)
    remove_abandoned(young_seconds=0)
    assert (other / "admin").exists()
