"""Accounts with the same id, made in one millisecond with the same random bits."""

import asyncio
from itertools import chain, repeat

from argon2 import PasswordHasher

from meshkit.ids import new_id
from tests.user_svc.user_stores import Opened
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import open_passwords

WEAK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def test_accounts_with_one_id_are_both_made(opened: Opened) -> None:
    """Of accounts that get the same id one keeps it and the others get new ones. None is lost."""
    ids = chain(repeat(new_id(), 3), iter(new_id, None))
    async with open_passwords(WEAK) as passwords:
        create = CreateUser(opened.store, passwords, lambda: next(ids))
        users = await asyncio.gather(
            *(create(handle, handle.title(), "correct horse") for handle in ("ada", "bob", "eve"))
        )
    assert len({user.user_id for user in users}) == 3
    assert await opened.store.get_users([user.user_id for user in users]) == list(users)
    assert [await opened.store.get_handle_owner(user.handle) for user in users] == [user.user_id for user in users]
