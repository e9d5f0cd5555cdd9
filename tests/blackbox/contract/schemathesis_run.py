"""Run schemathesis against a mesh with the mesh's own `/openapi.json`.

Manually: `python -m tests.blackbox.contract.schemathesis_run http://127.0.0.1:8080` with a mesh of `lensfeed dev`.
"""

import asyncio
import json
import secrets
import sys
import sysconfig
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import httpx

from edge_proxy.answers.openapi.examples import ADA, BOB, FILE_NAME, HANDLE, PHOTO, POST, REFRESH_TOKEN
from tests.blackbox.contract.schemathesis_scene import SCENE
from tests.blackbox.mesh import Reach
from tests.blackbox.people import Json, Person, new_user
from tests.media_svc.pictures import encoded, quarters

ROOT = Path(__file__).parents[3]
SEED = 20
MAX_EXAMPLES = 3
# Testing one unsupported method is enough.
UNEXPECTED_METHODS = ["PUT"]
# The contract answers unsupported methods with 404, never 405.
NOT_OURS = ("unsupported_method", "allow_header_conformance")
# These return 400 for reasons that no schema can express, such as a cursor's signature or another user's media.
REFUSED_BY_STATE = {
    "getFeed",
    "listFollowers",
    "listFollowing",
    "listMutes",
    "listBlocks",
    "listFollowRequests",
    "updatePrivacy",
    "listUserPosts",
    "createUser",
    "updateUser",
    "startUpload",
    "completeUpload",
    "createPost",
    "createFollow",
    "createMute",
    "createBlock",
}
ENDS_ITS_SESSION = "deleteSession"
# How invalid data may be refused: schemathesis's own list, and what is too large (a long cursor is part of the headers).
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, 431]


@dataclass(frozen=True)
class Scene:
    """The callers, several so that nobody reaches a rate limit, and existing ids."""

    callers: dict[str, Person]
    """By the tag of the operation."""
    anybody: Person
    leaver: Person
    instead_of_examples: dict[str, str]

    def caller(self, operation: Json) -> Person:
        """Return who calls an operation."""
        if operation["operationId"] == ENDS_ITS_SESSION:
            return self.leaver
        return self.callers.get(operation["tags"][0], self.anybody)


async def run_schemathesis(reach: Reach, url: str, folder: Path, *more: str) -> tuple[int, str]:
    """Create users, run schemathesis in `folder`, and return its exit code and output."""
    scene = await _set_scene(reach)
    document = (await reach.http.get("/openapi.json")).json()
    (folder / "schemathesis.toml").write_text("\n".join(_configuration(document, scene)))
    command = (
        *(str(Path(sysconfig.get_path("scripts")) / "schemathesis"), "--no-color"),
        *("--config-file", str(folder / "schemathesis.toml"), "run", f"{url}/openapi.json"),
        *("--phases", "examples,coverage,fuzzing", "--seed", str(SEED), "--max-examples", str(MAX_EXAMPLES)),
        *("--continue-on-failure", "--exclude-checks", ",".join(NOT_OURS), "--warnings", "off"),
        # A busy machine is not a failure.
        *("--max-redirects", "0", "--request-timeout", "60", "--suppress-health-check", "too_slow"),
    )
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}",
        "HOME": str(folder),
        SCENE: json.dumps(scene.instead_of_examples),
    }
    process = await asyncio.create_subprocess_exec(
        *command, *more, cwd=folder, env=environment, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await process.communicate()
    return cast("int", process.returncode), output.decode()


async def _set_scene(reach: Reach) -> Scene:
    # The mesh may have users from an earlier run.
    name = f"st{secrets.token_hex(4)}"
    owner, follower, member, leaver, refresher = [await new_user(reach, name) for _ in range(5)]
    media_id = await owner.upload(encoded(quarters(), "image/jpeg"))
    file = (await owner.finished(media_id))["renditions"][0]["url"].rpartition("/")[2]
    post_id = await owner.post("seen by schemathesis", [media_id])
    await follower.follow(owner)
    callers = {"Media": owner, "Post": owner, "User": member}
    instead = {ADA: owner.user_id, BOB: owner.user_id, PHOTO: media_id, POST: post_id, FILE_NAME: file}
    instead |= {HANDLE: f"{name}.new", REFRESH_TOKEN: refresher.refresh_token}
    return Scene(callers, follower, leaver, instead)


def _configuration(document: Json, scene: Scene) -> list[str]:
    """Return schemathesis's configuration, which says who calls what."""
    lines = [
        'hooks = "tests.blackbox.contract.schemathesis_hooks"',
        'generation.database = "none"',
        "generation.no-shrink = true",
        f"checks.negative_data_rejection.expected-statuses = {REFUSALS}",
    ]
    for operation in _operations(document):
        lines += _of_operation(operation, scene.caller(operation))
    return lines


def _operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from path.values()


def _of_operation(operation: Json, who: Person) -> list[str]:
    name = operation["operationId"]
    lines = []
    if operation["security"]:
        lines.append(f"headers = {{ Authorization = {json.dumps(who.headers['authorization'])} }}")
    if name in REFUSED_BY_STATE:
        lines.append("checks.positive_data_acceptance.enabled = false")
    return ["[[operations]]", f"include-operation-id = {json.dumps(name)}", *lines] if lines else []


async def _main(url: str, *more: str) -> int:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http, grpc.aio.insecure_channel("localhost:1") as channel:
        with tempfile.TemporaryDirectory() as folder:
            code, output = await run_schemathesis(Reach(http, channel), url, Path(folder), *more)
    sys.stdout.write(output)
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(*sys.argv[1:])))
