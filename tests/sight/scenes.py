"""Two accounts in a relation, and what the other one of them has."""

import itertools
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum

from google.protobuf.message import Message
from lensfeed.follow.v1 import follow_service_pb2 as follow_pb2
from lensfeed.follow.v1 import visibility_pb2
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub

from media_svc.model import Media, MediaKind, MediaState, Picture, Rendition
from media_svc.presenting import Presenter
from meshkit.ids import PublicId, new_id
from meshkit.sight import for_service
from post_svc.manifests import medium_of
from post_svc.model import PublishedPost
from tests.sight.mesh import SightMesh
from user_svc.model import Account, User

_JPEG = (Rendition("320.jpg", "image/jpeg", 320, 240, 999),)
_NUMBER = itertools.count()


class Relation(StrEnum):
    """What the viewer is to the other account."""

    SELF = "self"
    STRANGER = "stranger"
    FOLLOWER = "follower"
    FOLLOWEE = "followee"
    MUTER = "muter"
    MUTED = "muted"
    BLOCKER = "blocker"
    BLOCKED = "blocked"
    REQUESTED = "requested"
    ASKED = "asked"


class Visibility(StrEnum):
    """The visibility of the other account."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Scene:
    """A viewer, the other account with a post of one photo, and a friend: this account and the other one follow each other."""

    viewer_id: int
    other: User
    friend_id: int
    post_id: str
    media_id: str
    caption: str

    @property
    def marks(self) -> tuple[str, ...]:
        """The texts by which an answer would name the other account."""
        other = self.other
        return (
            str(other.user_id),
            other.handle,
            other.display_name,
            other.bio,
            self.post_id,
            self.media_id,
            self.caption,
        )


async def new_scene(mesh: SightMesh, relation: Relation, visibility: Visibility) -> Scene:
    """Make new accounts and bring them into a relation."""
    other, friend = await _new_user(mesh), await _new_user(mesh)
    viewer = other if relation is Relation.SELF else await _new_user(mesh)
    media = await _new_photo(mesh, other.user_id)
    caption = f"caption{secrets.token_hex(8)}"
    place = new_id()
    manifest = medium_of(Presenter().media(for_service(media))).encoded
    post = PublishedPost(PublicId(place, other.user_id), place, caption, manifest)
    assert await mesh.posts.publish(post, [])
    await _follow(mesh, other.user_id, friend.user_id)
    await _follow(mesh, friend.user_id, other.user_id)
    await _relate(mesh, relation, viewer.user_id, other.user_id)
    if visibility is Visibility.PRIVATE:
        await _make_private(mesh, other.user_id)
    if relation is Relation.REQUESTED:
        await _follow(mesh, viewer.user_id, other.user_id)
    return Scene(viewer.user_id, other, friend.user_id, str(post.id), str(media.media_id), caption)


async def _relate(mesh: SightMesh, relation: Relation, viewer_id: int, other_id: int) -> None:
    match relation:
        case Relation.FOLLOWER | Relation.MUTER:
            await _follow(mesh, viewer_id, other_id)
        case Relation.FOLLOWEE | Relation.MUTED:
            await _follow(mesh, other_id, viewer_id)
        case Relation.ASKED:
            await _make_private(mesh, viewer_id)
            await _follow(mesh, other_id, viewer_id)
        case Relation.BLOCKER:
            await _call(mesh, viewer_id, "CreateBlock", follow_pb2.CreateBlockRequest(user_id=other_id))
        case Relation.BLOCKED:
            await _call(mesh, other_id, "CreateBlock", follow_pb2.CreateBlockRequest(user_id=viewer_id))
    if relation is Relation.MUTER:
        await _call(mesh, viewer_id, "CreateMute", follow_pb2.CreateMuteRequest(user_id=other_id))
    if relation is Relation.MUTED:
        await _call(mesh, other_id, "CreateMute", follow_pb2.CreateMuteRequest(user_id=viewer_id))


async def _follow(mesh: SightMesh, follower_id: int, followee_id: int) -> None:
    await _call(mesh, follower_id, "CreateFollow", follow_pb2.CreateFollowRequest(followee_id=followee_id))


async def _call(mesh: SightMesh, caller_id: int, method: str, request: Message) -> None:
    stub = FollowServiceStub(mesh.channels["follow"])
    await getattr(stub, method)(request, metadata=(("x-user-id", str(caller_id)),))


async def _new_user(mesh: SightMesh) -> User:
    name = f"u{next(_NUMBER)}_{secrets.token_hex(6)}"
    user = User(
        new_id(), name, f"Name {secrets.token_hex(8)}", time.time_ns() // 1_000_000, f"Bio {secrets.token_hex(8)}"
    )
    assert await mesh.users.add_account(Account(user, "no password"))
    assert await mesh.users.claim_handle(user.handle, user.user_id) == user.user_id
    return user


async def _new_photo(mesh: SightMesh, owner_id: int) -> Media:
    media = Media(PublicId(new_id(), owner_id), MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/jpeg", 999, "")
    assert await mesh.media.add_media(media, 0)
    ready = media.uploaded("etag", 1).ready(Picture(320, 240, b"hash", _JPEG).named_under(media.media_id))
    assert await mesh.media.replace_media(media, ready, [])
    return ready


async def _make_private(mesh: SightMesh, user_id: int) -> None:
    request = follow_pb2.UpdatePrivacyRequest(visibility=visibility_pb2.ACCOUNT_VISIBILITY_PRIVATE)
    await _call(mesh, user_id, "UpdatePrivacy", request)
