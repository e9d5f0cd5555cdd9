"""What processes load. Each test asks an interpreter of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

pytestmark = pytest.mark.slow
PROCESSES = ("edge_proxy", "feed_svc", "follow_svc", "media_svc", "post_svc", "user_svc")
NEVER = ("PIL", "boto3", "cassandra", "httpx", "opentelemetry.sdk", "protovalidate", "pyvips", "rich", "typer")
ONLY_IN = {"aiobotocore": "media_svc", "aiohttp": "media_svc", "cryptography.hazmat": "user_svc", "jwt": "user_svc"}
STORES = ("follow_svc", "media_svc", "post_svc", "user_svc")
OPEN = """
import meshkit.lean, asyncio
from meshkit.service_settings import ServiceSettings
from {service}.store.open import open_store
async def main():
    async with open_store(ServiceSettings(sqlite_dir={folder!r})) as _:
        pass
asyncio.run(main())
"""
COLLECTING = """
import gc, runpy, sys, argparse
import meshkit.lean
print("importing:" + str(gc.isenabled()), file=sys.stderr)
argparse.ArgumentParser.parse_args = lambda *_: sys.exit(print("running:" + str(gc.isenabled()), file=sys.stderr))
try:
    runpy.run_module("{process}", run_name="__main__")
except SystemExit:
    pass
"""
RUN_WORKER = """
import meshkit.lean, asyncio
from meshkit.grpc.server import Process, ServerSettings, running
async def main():
    async with running(Process("idle work"), ServerSettings()):
        pass
asyncio.run(main())
"""


def loaded(code: str, **environment: str) -> set[str]:
    """Return the names of all modules after some code has run."""
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_loads_only_what_it_uses(process: str) -> None:
    """Starting a process loads no package of another process, another command or another store."""
    names = loaded(f"import {process}.__main__")
    unwanted = {*NEVER, *(name for name, owner in ONLY_IN.items() if owner != process)}
    assert unwanted & names == set()


@pytest.mark.parametrize("service", STORES)
def test_sqlite_needs_no_cassandra_driver(service: str, tmp_path: Path) -> None:
    """A service whose store is SQLite never loads the Cassandra driver."""
    names = loaded(OPEN.format(service=service, folder=str(tmp_path)))
    assert "sqlite3" in names
    assert "cassandra" not in names


@pytest.mark.parametrize("process", PROCESSES)
def test_garbage_is_collected_once_all_is_imported(process: str) -> None:
    """The garbage collector is off while a process imports, and on when its command runs."""
    states = loaded(COLLECTING.format(process=process))
    assert {"importing:False", "running:True"} <= states


def test_a_worker_does_not_load_the_checks_of_requests() -> None:
    """A process without methods of its own runs without protovalidate."""
    names = loaded(RUN_WORKER)
    assert "grpc" in names
    assert "protovalidate" not in names


def test_dev_loads_no_client_of_s3() -> None:
    """`lensfeed dev` supervises a mesh without boto3, and without cryptography unless it makes certificates."""
    names = loaded("import devmesh.commands.dev")
    assert {"boto3", "botocore", "cryptography.hazmat"} & names == set()


def test_telemetry_has_its_sdk() -> None:
    """With an OTLP endpoint, the OpenTelemetry SDK can be imported."""
    names = loaded(
        "import meshkit.lean, opentelemetry.sdk.metrics", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317"
    )
    assert "opentelemetry.sdk.metrics" in names
