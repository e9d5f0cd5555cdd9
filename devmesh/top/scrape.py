"""Reads the metrics of all processes of a mesh."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from devmesh.errors import MeshError

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where one process serves its metrics."""

    part: str
    address: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one process."""

    part: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All metrics at one moment, by their full names (`…_bucket`, `…_total`), and which parts answered."""

    at: float
    samples: Mapping[str, Sequence[Sample]]
    parts: Mapping[str, bool]


def read_targets(file: Path) -> list[Target]:
    """Read a list of targets in the form of Prometheus's `file_sd_configs`. Raises MeshError."""
    try:
        return [
            Target(group.get("labels", {}).get("part", address), address)
            for group in json.loads(file.read_text())
            for address in group["targets"]
        ]
    except OSError as error:
        raise MeshError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MeshError(f"{file} is not a list of targets as Prometheus reads it") from error


async def scrape(http: httpx.AsyncClient, targets: Sequence[Target]) -> Snapshot:
    """Read all targets at once. One that does not answer has no samples."""
    texts = await asyncio.gather(*(_read(http, target) for target in targets))
    samples: dict[str, list[Sample]] = {}
    for target, text in zip(targets, texts, strict=True):
        for family in text_string_to_metric_families(text or ""):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append(Sample(target.part, sample.labels, sample.value))
    parts = {target.part: text is not None for target, text in zip(targets, texts, strict=True)}
    return Snapshot(time.monotonic(), samples, parts)


async def _read(http: httpx.AsyncClient, target: Target) -> str | None:
    try:
        response = await http.get(f"http://{target.address}/metrics", timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError:
        return None
    return response.text if response.status_code == httpx.codes.OK else None
