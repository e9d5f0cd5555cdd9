"""List the ids of the accounts that an account follows. Rebuilds of home timelines use it."""

from follow_svc.lists.page_tokens import DEFAULT_PAGE_SIZE, PageTokens
from follow_svc.lists.pages import FolloweePage, cut_page
from follow_svc.store.port import FollowStore


class ListFolloweeIds:
    """Lists followee ids in ascending order."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store
        self._tokens = PageTokens(numbers=1)

    async def __call__(
        self, user_id: int, page_token: str, page_size: int, *, include_muted: bool = False
    ) -> FolloweePage:
        """Return a page, empty for an unknown account. Raises InvalidArgumentError (PAGE_TOKEN_INVALID)."""
        after = self._tokens.decode(page_token)[0] if page_token else None
        size = page_size or DEFAULT_PAGE_SIZE
        read = self._store.list_followees if include_muted else self._store.list_unmuted_followees
        # Before the followees: what is cut in between is found by the next comparison.
        last_cut = await self._store.get_last_cut(user_id) if after is None else 0
        page, last = cut_page(await read(user_id, after, size + 1), size)
        return FolloweePage(page, "" if last is None else self._tokens.encode([last]), last_cut)
