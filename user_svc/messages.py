"""Converts accounts and sessions to protos."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.user.v1 import user_pb2, user_service_pb2

from meshkit.media_urls import MediaUrls
from meshkit.sight import Seen
from user_svc.model import User
from user_svc.session import Session
from user_svc.sessions.open_session import OpenSession


class Messages:
    """Converts accounts to protos and fills in avatar URLs."""

    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls

    def user(self, seen: Seen[User]) -> user_pb2.User:
        """Return the public proto of an account."""
        return self._user(seen.value)

    def tokens(self, seen: Seen[OpenSession]) -> dict[str, Any]:
        """Return the fields that both answers with tokens share."""
        opened = seen.value
        return {
            "access_token": opened.access_token.text,
            "refresh_token": opened.refresh_token,
            "expires_at": Timestamp(seconds=opened.access_token.expires_at),
            "user": self._user(opened.user),
        }

    def _user(self, user: User) -> user_pb2.User:
        created_at = Timestamp()
        created_at.FromMilliseconds(user.created_at)
        return user_pb2.User(
            user_id=user.user_id,
            handle=user.handle,
            display_name=user.display_name,
            bio=user.bio,
            avatar_url=self._urls.of(user.avatar_url),
            created_at=created_at,
        )


def session_info(session: Session, current: str | None) -> user_service_pb2.SessionInfo:
    """Return the proto of a session; `current` is the id of the caller's own."""
    return user_service_pb2.SessionInfo(
        session_id=session.session_id,
        device=session.device,
        network=session.network,
        created_at=Timestamp(seconds=session.created_at),
        last_used_at=Timestamp(seconds=session.used_at),
        is_current=session.session_id == current,
    )
