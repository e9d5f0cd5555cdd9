"""Authentication: who may call what."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from lensfeed.feed.v1.feed_service_pb2 import EMPTY_REASON_FOLLOWS_NOBODY, GetFeedRequest, GetFeedResponse
from lensfeed.follow.v1.follow_internal_service_pb2 import ListFollowerIdsRequest
from lensfeed.media.v1.media_internal_service_pb2 import BatchGetMediaRequest
from lensfeed.post.v1.post_internal_service_pb2 import BatchGetPostsRequest, BatchListPlacesRequest
from lensfeed.user.v1.user_internal_service_pb2 import BatchGetUsersRequest

from tests.blackbox.mesh import Mesh, Reach
from tests.blackbox.people import Person
from tests.protocols import Edge, Headers, Outcome, grpc_call, grpc_web_call, rest_outcome

pytestmark = pytest.mark.mesh

FEED = "/lensfeed.feed.v1.FeedService/GetFeed"
INTERNAL: dict[str, Message] = {
    "/lensfeed.user.v1.UserInternalService/BatchGetUsers": BatchGetUsersRequest(),
    "/lensfeed.follow.v1.FollowInternalService/ListFollowerIds": ListFollowerIdsRequest(),
    "/lensfeed.post.v1.PostInternalService/BatchGetPosts": BatchGetPostsRequest(),
    "/lensfeed.post.v1.PostInternalService/BatchListPlaces": BatchListPlacesRequest(),
    "/lensfeed.media.v1.MediaInternalService/BatchGetMedia": BatchGetMediaRequest(),
    "/grpc.channelz.v1.Channelz/GetServers": GetFeedRequest(),
}
Read = Callable[[Edge, Headers], Awaitable[Outcome]]


async def by_rest(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by REST and encode the empty answer as a message."""
    outcome = rest_outcome(await edge.http.get("/feed", headers=headers))
    if b"FOLLOWS_NOBODY" in outcome.answer:
        outcome.answer = GetFeedResponse(empty_reason=EMPTY_REASON_FOLLOWS_NOBODY).SerializeToString()
    return outcome


async def by_grpc(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC."""
    return await grpc_call(edge, FEED, GetFeedRequest(), headers)


async def by_grpc_web(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC-Web."""
    return await grpc_web_call(edge, FEED, GetFeedRequest(), headers)


EVERY_PROTOCOL = pytest.mark.parametrize("read", [by_rest, by_grpc, by_grpc_web])


def signed(key: Ed25519PrivateKey, person: Person, **changes: object) -> Headers:
    """Sign a token as the mesh does: the user's own with some claims changed."""
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    headers = jwt.get_unverified_header(person.access_token)
    token = jwt.encode({**claims, **changes}, key, algorithm="EdDSA", headers={"kid": headers["kid"]})
    return {"authorization": f"Bearer {token}"}


def own_key(data: Path) -> Ed25519PrivateKey:
    """Read the mesh's signing key."""
    key = load_pem_private_key((data / "keys" / "token-key.pem").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


@EVERY_PROTOCOL
async def test_a_claimed_identity_is_ignored(reach: Reach, ann: Person, bob: Person, read: Read) -> None:
    """A caller who claims another's id reads their own feed."""
    await ann.follow(bob)
    claimed = {**bob.headers, "x-user-id": ann.user_id}
    outcome = await read(reach, claimed)
    assert outcome.code == 0
    assert GetFeedResponse.FromString(outcome.answer).empty_reason == EMPTY_REASON_FOLLOWS_NOBODY


@EVERY_PROTOCOL
async def test_a_claimed_identity_is_no_token(reach: Reach, ann: Person, read: Read) -> None:
    """An id without a token counts as anonymous."""
    outcome = await read(reach, {"x-user-id": ann.user_id, "x-session-id": "any"})
    assert (outcome.code, outcome.reason) == (Code.UNAUTHENTICATED, "TOKEN_MISSING")


@EVERY_PROTOCOL
@pytest.mark.parametrize("path", INTERNAL)
async def test_internal_methods_are_unknown_outside(reach: Reach, ann: Person, path: str, read: Read) -> None:
    """The edge does not route internal and diagnostic methods."""
    if read is by_rest:
        response = await reach.http.post(path, json={}, headers=ann.headers)
        assert response.status_code == 404
        outcome = rest_outcome(response)
    else:
        call = grpc_call if read is by_grpc else grpc_web_call
        outcome = await call(reach, path, INTERNAL[path], ann.headers)
    assert (outcome.code, outcome.reason) == (Code.UNIMPLEMENTED, "METHOD_UNKNOWN")


async def test_a_token_signed_with_the_meshs_key_is_accepted(mesh: Mesh, reach: Reach, ann: Person) -> None:
    """The following tests' tokens are wrong only in what they change."""
    assert (await by_rest(reach, signed(own_key(mesh.data), ann))).code == 0


@EVERY_PROTOCOL
async def test_a_token_of_another_key_is_refused(reach: Reach, ann: Person, read: Read) -> None:
    """A token signed with another key is refused even if it names the mesh's key."""
    outcome = await read(reach, signed(Ed25519PrivateKey.generate(), ann))
    assert (outcome.code, outcome.reason) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize(
    "changes",
    [{"exp": int(time.time()) - 3600}, {"aud": "another"}, {"iss": "another"}],
    ids=["expired", "audience", "issuer"],
)
async def test_a_token_with_wrong_claims_is_refused(
    mesh: Mesh, reach: Reach, ann: Person, changes: dict[str, object]
) -> None:
    """The mesh's own signature does not help an expired token or one for another audience or issuer."""
    outcome = await by_rest(reach, signed(own_key(mesh.data), ann, **changes))
    assert (outcome.code, outcome.reason) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")
