"""List the ids of an account's followers. Fan-out uses it."""

from follow_svc.lists.page_tokens import DEFAULT_PAGE_SIZE, PageTokens
from follow_svc.lists.pages import IdPage, cut_page
from follow_svc.model import Follower
from follow_svc.store.port import FollowStore


class ListFollowerIds:
    """Lists the ids of followers who have not muted the account, by bucket, then in ascending order."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store
        self._tokens = PageTokens(numbers=2)

    async def __call__(self, user_id: int, page_token: str, page_size: int) -> IdPage:
        """Return a page, empty for an unknown account. It may be short or empty before the end.

        Raises InvalidArgumentError (PAGE_TOKEN_INVALID).
        """
        after = Follower.at(self._tokens.decode(page_token)) if page_token else None
        size = page_size or DEFAULT_PAGE_SIZE
        page, last = cut_page(await self._store.list_followers(user_id, after, size + 1), size)
        unmuted = [follower.follower_id for follower in page if not follower.is_muted]
        return IdPage(unmuted, self._tokens.encode(last.place) if last else "")
