"""Pages of accounts and of ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from follow_svc.ports import Account, AccountT
from meshkit.sight import Seen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AccountPage(Generic[AccountT]):
    """A page of accounts; `next_cursor` is None only at the end."""

    accounts: Sequence[Seen[AccountT]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class IdPage:
    """A page of account ids; `next_page_token` is empty only at the end."""

    user_ids: Sequence[int]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class FolloweePage(IdPage):
    """A page of followees; `last_cut` is that of the time before a first page was read, and 0 on later pages."""

    last_cut: int


def cut_page(rows: Sequence[T], size: int) -> tuple[Sequence[T], T | None]:
    """Return the first `size` rows, and the last of them if more rows follow. Pass `size + 1` rows."""
    page = rows[:size]
    return page, page[-1] if len(rows) > size else None


def id_of(account: Account) -> int:
    """Return an account's id."""
    return account.user_id
