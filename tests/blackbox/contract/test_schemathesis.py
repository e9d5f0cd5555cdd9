"""Schemathesis: generated requests from `/openapi.json`, and checks of their answers."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.contract.schemathesis_run import run_schemathesis
from tests.blackbox.mesh import Mesh, Reach

pytestmark = pytest.mark.mesh

CASES = re.compile(r"^  (\d+) generated, (\d+) passed", re.MULTILINE)
TESTED = re.compile(r"^  Tested: (\d+)$", re.MULTILINE)
# It does not test the document itself.
NOT_TESTED = 1


# This tests the edge and the contract, so one store is enough.
@pytest.mark.parametrize("store_kind", ["sqlite"], indirect=True, scope="package")
async def test_the_mesh_matches_its_document(
    mesh: Mesh, reach: Reach, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Hundreds of valid and invalid requests to every operation find no failure."""
    code, output = await run_schemathesis(reach, mesh.url, tmp_path)
    tell(output[output.rindex("= SUMMARY =") :])
    assert code == 0, output
    operations = [each for path in (await reach.http.get("/openapi.json")).json()["paths"].values() for each in path]
    tested, cases = TESTED.search(output), CASES.search(output)
    assert tested is not None
    assert cases is not None
    assert int(tested[1]) == len(operations) - NOT_TESTED
    assert int(cases[1]) > 400
