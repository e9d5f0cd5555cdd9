"""Example values for fields, and whole example messages made of them."""

from edge_proxy.answers.openapi.contract import Contract, Field, Message
from edge_proxy.json_types import Json

ADA, BOB = "383069883746545688", "383069883788488761"
FILE_NAME = "1c57c08f263686afd37a72c8576d9c94.jpg"
HANDLE, REFRESH_TOKEN = "ada.l", "uQ5c0yS0m1nYw9v7kZ3fQm2yJ8o"
MOMENT = "2026-11-02T18:03:00.123Z"
PHOTO, POST = "avipacmneqxc2bkq6adzrxhqda", "avipac24r2m2ibkq6adzrxhqda"
ETAG = 'W/"9f86d081884c7d659a2feaa0c55ad015"'
# By JSON name. "Message.field" is for a field that means something else in that message.
VALUES: dict[str, object] = {
    "accessToken": "eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiIzODMwNjk4ODM3NDY1NDU2ODgifQ.c2lnbmF0dXJl",
    "altText": "A lighthouse in the evening sun",
    "authorId": ADA,
    "avatarMediaId": PHOTO,
    "avatarUrl": f"https://feed.example/m/{PHOTO}/320.jpg",
    "blocking": False,
    "bio": "Lighthouses, mostly.",
    "caption": "Evening at the lighthouse",
    "code": "k3zq-7bwm-x2ha-5tnc",
    "codes": ["k3zq-7bwm-x2ha-5tnc"],
    "contentType": "image/jpeg",
    "createdAt": "2026-10-30T09:12:45.003Z",
    "cursor": "",
    "device": "Firefox, Windows",
    "deviceName": "Ada's phone",
    "displayName": "Ada",
    "durationMs": "0",
    "etag": '"9e107d9d372bb6826bd81d3542a419d6"',
    "expiresAt": MOMENT,
    "followeeId": BOB,
    "followerCount": "1204",
    "followerId": ADA,
    "followingCount": "87",
    "handle": HANDLE,
    "headers": {"Content-Type": "image/jpeg"},
    "height": 1080,
    "hlsUrl": "",
    "isCurrent": True,
    "isLooping": False,
    "isPrivate": False,
    "kind": "MEDIA_KIND_PHOTO",
    "lastUsedAt": MOMENT,
    "limit": 20,
    "mediaId": PHOTO,
    "mediaIds": [PHOTO],
    "muting": False,
    "requested": False,
    "requestedBy": False,
    "Follow.state": "FOLLOW_STATE_FOLLOWING",
    "visibility": "ACCOUNT_VISIBILITY_PUBLIC",
    "network": "203.0.113.0/24",
    "newPassword": "a better battery",
    "nextCursor": "AQAFUSjP2wAAAAVRKM_bAAAB.kX3v0bq2",
    "number": 1,
    "partSizeBytes": "8388608",
    "password": "correct horse battery",
    "postId": POST,
    "progressPercent": 0,
    "publishedAt": MOMENT,
    "refreshToken": REFRESH_TOKEN,
    "sessionId": "3Yp0JXm8u1Zr5n2QeVb7Tw",
    "sizeBytes": "2483120",
    "thumbhash": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "url": f"https://feed.example/m/{PHOTO}/1080.jpg",
    "userId": ADA,
    "w": 640,
    "width": 1080,
    "followedBy": False,
    "following": True,
    "PostState": "POST_STATE_PUBLISHED",
    "MediaState": "MEDIA_STATE_READY",
    **dict.fromkeys(("GetFeedResponse.etag", "GetPostResponse.etag", "ListUserPostsResponse.etag"), ETAG),
    "UploadPart.url": f"https://s3.example/lensfeed-media/u/{PHOTO}?X-Amz-Signature=…",
}
# Fields left out of examples.
ABSENT = {"failure", "upload", "emptyReason", "notModified", "takenAt", "takenAtOffset"}


def example_value(message: str, field: Field) -> object:
    """Return an example of a field that is not a message. Raises KeyError if it has none."""
    kind = field.type_name.rpartition(".")[2]
    for key in (f"{message.rpartition('.')[2]}.{field.name}", kind, field.name):
        if key in VALUES:
            return VALUES[key]
    raise KeyError(f"{message}.{field.name} needs an example in edge_proxy/answers/openapi/examples.py")


def example_message(contract: Contract, message: Message, in_path: tuple[str, ...] = ()) -> Json:
    """Return an example message without the fields in `in_path`."""
    return {
        field.name: _example(contract, message, field)
        for field in message.fields
        if field.name not in ABSENT and field.proto.name not in in_path
    }


def _example(contract: Contract, message: Message, field: Field) -> object:
    inner = contract.messages.get(field.type_name)
    if inner is None or inner.is_map_entry or field.type_name.startswith("google."):
        return example_value(message.name, field)
    value = example_message(contract, inner)
    return [value] if field.is_repeated else value
