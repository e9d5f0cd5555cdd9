"""Change a profile."""

from dataclasses import replace

from meshkit.errors import FailedPreconditionError, NotFoundError
from user_svc.accounts.get_user import unknown_user
from user_svc.model import Avatar, ProfileChange, User, avatar_url, check_bio, check_display_name
from user_svc.ports import Announce, Pictures, UserUpdated
from user_svc.store import UserStore


class UpdateUser:
    """Changes a profile, and sends an event if anything changed."""

    def __init__(self, store: UserStore, pictures: Pictures, announce: Announce, make_event: UserUpdated) -> None:
        self._store = store
        self._pictures = pictures
        self._announce = announce
        self._make_event = make_event

    async def __call__(
        self, user_id: int, *, display_name: str | None, bio: str | None, avatar_media_id: str | None
    ) -> User:
        """Change every field that is not None and return the account. An empty text clears a field.

        Raises InvalidArgumentError (FIELD_INVALID), NotFoundError (USER_NOT_FOUND, MEDIA_NOT_FOUND) and
        FailedPreconditionError (MEDIA_NOT_READY) if the avatar is not a photo that can be served.
        """
        check_display_name(display_name or "")
        check_bio(bio or "")
        # With its secret, because that is read at quorum: compared with an older profile, a change back would look like none.
        account = await self._store.get_account(user_id)
        if account is None:
            raise unknown_user()
        change = ProfileChange(display_name, bio, await self._avatar(user_id, avatar_media_id))
        changed = _apply(account.user, change)
        if changed != account.user:
            record = self._make_event(user_id)
            await self._store.change_profile(user_id, change, [record])
            self._announce.send_soon(record)
        return changed

    async def _avatar(self, user_id: int, media_id: str | None) -> Avatar | None:
        if not media_id:
            return None if media_id is None else Avatar()
        picture = await self._pictures.find_picture(user_id, media_id)
        if picture is None:
            raise NotFoundError("MEDIA_NOT_FOUND", "you have no such medium")
        url = avatar_url(picture.renditions)
        if not picture.is_ready_photo or url is None:
            raise FailedPreconditionError("MEDIA_NOT_READY", "an avatar must be a photo that is READY")
        return Avatar(media_id, url)


def _apply(user: User, change: ProfileChange) -> User:
    avatar = Avatar(user.avatar_media_id, user.avatar_url) if change.avatar is None else change.avatar
    return replace(
        user,
        display_name=user.display_name if change.display_name is None else change.display_name,
        bio=user.bio if change.bio is None else change.bio,
        avatar_media_id=avatar.media_id,
        avatar_url=avatar.url,
    )
