"""Makes one change after another, chosen by chance."""

from collections.abc import Awaitable, Callable, Mapping

from faults.load.probes import Probes
from faults.world.ledger import Known, Post
from faults.world.person import Person
from faults.world.world import World

WEIGHTS: Mapping[str, int] = {"post": 45, "delete": 12, "follow": 20, "unfollow": 20, "upload": 1}
"""How often each change is made, in relation to the others."""


class Changes:
    """Changes of a world's people. Somebody whose last change is not answered makes no other."""

    def __init__(self, world: World, probes: Probes) -> None:
        self._world = world
        self._probes = probes
        self._ways: Mapping[str, Callable[[], Awaitable[None]]] = {
            "post": self._post,
            "delete": self._delete,
            "follow": self._follow,
            "unfollow": self._unfollow,
            "upload": self._upload,
        }

    async def one(self) -> None:
        """Make a change."""
        [kind] = self._world.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        await self._ways[kind]()

    async def _post(self) -> None:
        if (author := self._idle(self._world.authors)) is not None:
            await self.post(author)

    async def post(self, author: Person) -> Post:
        """Post the author's photo, with a caption of its own."""
        post = Post(author.place, self._world.caption(author), Known.UNKNOWN)
        self._world.ledger.posts[post.caption] = post
        body: dict[str, object] = {"caption": post.caption, "mediaIds": [author.media_id]}
        answer = await self._change(author, "post", "POST", "/posts", body)
        post.created = answer[0]
        if post.created is Known.OK:
            post.post_id = answer[1]["postId"]
            if (reader := self.follower(author)) is not None:
                self._probes.appears(self._world, reader, post)
        return post

    async def _delete(self) -> None:
        posts = [each for each in self._world.ledger.posts.values() if each.must_be_seen and not each.is_lasting]
        if posts:
            await self.delete(self._world.chance.choice(posts))

    async def delete(self, post: Post) -> None:
        """Delete a post, unless its author is busy."""
        author = self._world.people[post.author]
        if author.is_busy:
            return
        post.deleted = Known.UNKNOWN
        post.deleted, _ = await self._change(author, "delete", "DELETE", f"/posts/{post.post_id}", None)
        if post.deleted is Known.OK and (reader := self.follower(author)) is not None:
            self._probes.disappears(reader, post)

    async def _follow(self) -> None:
        person, author = self._idle(self._world.people), self._world.chance.choice(self._world.authors)
        if person is None or person is author:
            return
        await self.set_follow(person, author, to=True)

    async def _unfollow(self) -> None:
        if (person := self._idle(self._world.people)) is None:
            return
        followees = [author for author, state in self._world.ledger.followees(person.place).items() if state]
        if len(followees) > 1:
            await self.set_follow(person, self._world.people[self._world.chance.choice(followees)], to=False)

    async def set_follow(self, person: Person, author: Person, *, to: bool) -> None:
        """Follow an author, or end that. The person must not be busy."""
        pair, ledger = (person.place, author.place), self._world.ledger
        before = ledger.follows.get(pair, False)
        ledger.follows[pair] = None
        ledger.follow_changes[pair] += 1
        if to:
            known, _ = await self._change(person, "follow", "POST", "/follows", {"followeeId": author.user_id})
        else:
            known, _ = await self._change(person, "unfollow", "DELETE", f"/follows/{author.user_id}", None)
        ledger.follows[pair] = {Known.OK: to, Known.FAILED: before, Known.UNKNOWN: None}[known]
        if known is Known.OK and before is not to:
            self._probes.follow_applies(self._world, person, author, to=to)

    async def _upload(self) -> None:
        if (author := self._idle(self._world.authors)) is None:
            return
        photo = self._world.photo
        body: dict[str, object] = {"contentType": "image/jpeg", "sizeBytes": str(len(photo))}
        await self._change(author, "upload", "POST", "/media", body)

    async def _change(
        self, person: Person, kind: str, method: str, path: str, body: dict[str, object] | None
    ) -> tuple[Known, dict[str, str]]:
        person.is_busy = True
        try:
            answer = await person.call(method, path, body)
        finally:
            person.is_busy = False
        self._world.ledger.note(kind, answer.known, answer.reason)
        return answer.known, answer.body

    def _idle(self, people: list[Person]) -> Person | None:
        person = self._world.chance.choice(people)
        return None if person.is_busy else person

    def follower(self, author: Person) -> Person | None:
        """Return somebody who surely follows an author."""
        follows = self._world.ledger.follows
        places = [who for (who, whom), state in follows.items() if whom == author.place and state]
        return self._world.people[self._world.chance.choice(places)] if places else None
