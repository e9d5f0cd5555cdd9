"""The scene of the contract's calls: a caller with photos and posts, other users, and earlier failures."""

import asyncio
from dataclasses import dataclass

from PIL import Image

from meshkit.ids import PublicId, new_id
from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Person, logged_in, new_user
from tests.media_svc.pictures import encoded, quarters

UNFINISHED_MEDIA = 100
CAPTION = "four colours \N{RAINBOW}"


@dataclass(frozen=True)
class Scene:
    """The caller is Ann, who follows Bob and is followed by `uploads_very_many`; Cid is a third user.

    Contains ids of what exists and what does not.
    """

    ann: Person
    bob: Person
    cid: Person
    photo: str
    rejected: dict[str, str]
    """By reason."""
    photo_of_bob: str
    post_of_bob: str
    older_post_of_bob: str
    waiting_post_of_bob: str
    own_post: str
    doomed_post: str
    """A post of Ann's that a case may delete."""
    deleted_post: str
    awaiting_upload: str
    expired_upload: str
    follows_very_many: Person
    uploads_very_many: Person
    sessions: dict[str, Person]
    """Cid's sessions to end and to refresh, by name."""
    forgetful: Person
    """Somebody who has lost the password, but not the recovery codes."""
    recovery_codes: list[str]
    nobody: int
    nothing: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that authenticate Ann."""
        return self.ann.headers

    @property
    def used_key(self) -> str:
        """A key that a post, an upload and a sign-up of Ann's were sent with."""
        return _used_key(self.ann)

    @property
    def ann_id(self) -> int:
        """The caller's id."""
        return int(self.ann.user_id)

    @property
    def bob_id(self) -> int:
        """Bob's id."""
        return int(self.bob.user_id)


async def set_up(reach: Reach, photo: bytes, sessions: tuple[str, ...]) -> Scene:
    """Create the scene over the public interface. `tests.blackbox.contract.aged` adds what takes too long."""
    ann, bob, cid, many, greedy = [await new_user(reach, name) for name in ("ann", "bob", "cid", "many", "greedy")]
    await asyncio.gather(*(greedy.start_upload(photo) for _ in range(UNFINISHED_MEDIA)))
    forgetful = await new_user(reach, "forgetful")
    codes = await forgetful.call("POST", "/users/me/recovery-codes", {"password": PASSWORD})
    mine, theirs = await _ready(ann, photo), await _ready(bob, photo)
    # Deleting a post also deletes its media.
    deleted = await ann.post("deleted", [await _ready(ann, photo)])
    await ann.call("DELETE", f"/posts/{deleted}")
    older, newer = await bob.post("older", [theirs]), await bob.post(CAPTION, [theirs])
    await ann.follow(bob)
    await greedy.follow(ann)
    await ann.sees(CAPTION, "older")
    await _use_key(ann, mine)
    return Scene(
        ann=ann,
        bob=bob,
        cid=cid,
        photo=mine,
        rejected=await _rejected(ann, photo),
        photo_of_bob=theirs,
        post_of_bob=newer,
        older_post_of_bob=older,
        waiting_post_of_bob=await bob.post("theirs", [(await bob.start_upload(photo))["mediaId"]]),
        own_post=await ann.post("own", [mine]),
        doomed_post=await ann.post("doomed", [await _ready(ann, photo)]),
        deleted_post=deleted,
        awaiting_upload=(await ann.start_upload(photo))["mediaId"],
        expired_upload=(await ann.start_upload(photo))["mediaId"],
        follows_very_many=many,
        uploads_very_many=greedy,
        sessions={name: await logged_in(reach, cid.handle, PASSWORD) for name in sessions},
        forgetful=forgetful,
        recovery_codes=codes["codes"],
        nobody=new_id(),
        nothing=str(PublicId(new_id(), int(ann.user_id))),
    )


def _used_key(person: Person) -> str:
    return f"used before by {person.handle}"


async def _use_key(person: Person, media_id: str) -> None:
    key = _used_key(person)
    await person.call("POST", "/posts", {"caption": "once", "mediaIds": [media_id]}, idempotency_key=key)
    await person.call("POST", "/media", {"contentType": "image/png", "sizeBytes": "10"}, idempotency_key=key)
    account = {"handle": f"{person.handle}.again", "password": PASSWORD}
    await person.call("POST", "/users", account, idempotency_key=key)


async def _ready(person: Person, photo: bytes) -> str:
    media_id = await person.upload(photo)
    assert (await person.finished(media_id))["state"] == "MEDIA_STATE_READY"
    return media_id


async def _rejected(person: Person, photo: bytes) -> dict[str, str]:
    """Upload a file for each rejection reason and return the ids."""
    files = {
        "MEDIA_CORRUPT": photo[: len(photo) // 2],
        "MEDIA_TOO_LARGE": encoded(Image.new("1", (8000, 7000)), "image/png"),
        "TYPE_MISMATCH": encoded(quarters(), "image/png"),
    }
    ids = {}
    for reason, content in files.items():
        content_type = "image/png" if reason == "MEDIA_TOO_LARGE" else "image/jpeg"
        ids[reason] = await person.upload(content, content_type)
        media = await person.finished(ids[reason])
        assert media["failure"]["reason"] == reason, media
    return ids
