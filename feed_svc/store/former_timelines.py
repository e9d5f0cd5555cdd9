"""Keys of the timelines that the version before kept as sorted sets.

A timeline's build removes its former one, so that memory is not needed for both. To be removed with the next version.
"""

from collections.abc import Sequence

from meshkit.redis.mux import RedisMux


def former_home(viewer: int) -> str:
    """Return the former key of a home timeline."""
    return f"tl:{{{viewer}}}"


def former_author(author_id: int) -> str:
    """Return the former key of an author timeline."""
    return f"at:{{{author_id}}}"


async def remove_former(mux: RedisMux, keys: Sequence[str]) -> None:
    """Remove former timelines in one round trip."""
    await mux.execute_many([("UNLINK", key) for key in keys])
