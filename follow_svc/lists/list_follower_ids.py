"""List the ids of an account's followers. Fan-out uses it."""

from follow_svc.lists.page_tokens import DEFAULT_PAGE_SIZE, PageTokens
from follow_svc.lists.pages import IdPage, cut_page
from follow_svc.model import FollowerPlace
from follow_svc.store.port import FollowStore


class ListFollowerIds:
    """Lists follower ids by bucket, then in ascending order."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store
        self._tokens = PageTokens(numbers=2)

    async def __call__(self, user_id: int, page_token: str, page_size: int) -> IdPage:
        """Return a page, empty for an unknown account. Raises InvalidArgumentError (PAGE_TOKEN_INVALID)."""
        after = FollowerPlace(*self._tokens.decode(page_token)) if page_token else None
        size = page_size or DEFAULT_PAGE_SIZE
        page, last = cut_page(await self._store.list_followers(user_id, after, size + 1), size)
        return IdPage([place.follower_id for place in page], self._tokens.encode(last) if last else "")
