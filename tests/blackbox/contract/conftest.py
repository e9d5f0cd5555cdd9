"""The scene that the tests of the contract share."""

import asyncio

import pytest_asyncio

from tests.blackbox.contract.aged import let_expire, reach_the_follow_limit
from tests.blackbox.contract.good_cases import SESSIONS
from tests.blackbox.contract.scene import Scene, set_up
from tests.blackbox.mesh import Mesh, Reach


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def scene(mesh: Mesh, reach: Reach, photo: bytes) -> Scene:
    """Set up the scene of the cases."""
    scene = await set_up(reach, photo, SESSIONS)
    await asyncio.to_thread(let_expire, mesh, scene.expired_upload)
    await asyncio.to_thread(reach_the_follow_limit, mesh, int(scene.follows_very_many.user_id))
    return scene
