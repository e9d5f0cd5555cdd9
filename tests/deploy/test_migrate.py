"""The command that a deployment runs before its processes start."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("service", ["user_svc", "follow_svc", "post_svc", "media_svc"])
def test_migrate_creates_the_tables_and_ends(service: str, tmp_path: Path) -> None:
    """`migrate` needs only the store's settings, and may run again."""
    environment = {**os.environ, "LENSFEED_SQLITE_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-m", service, "migrate"], env=environment, check=True)
    with closing(sqlite3.connect(tmp_path / f"{service}.db")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "outbox" in tables
