"""The life of a post under any order of writes, compared with a few lines of rules."""

from dataclasses import dataclass, field
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lensfeed.events.v1 import event_pb2

from meshkit.events import new_record
from meshkit.ids import PublicId, new_id
from post_svc.model import DeletedPost, PublishedPost, WaitingPost
from tests.post_svc.clients import published_and_deleted, some_user
from tests.post_svc.post_stores import OpenStore, manifest_with

Step = Literal["wait", "claim", "publish", "publish at once", "withdraw", "delete"]
MANIFEST = manifest_with("m")
STEPS: tuple[Step, ...] = ("wait", "claim", "publish", "publish at once", "withdraw", "delete")


@dataclass(slots=True)
class Life:
    """One post according to the rules."""

    id: PublicId
    state: Literal["absent", "waiting", "published", "deleted"] = "absent"
    place: int | None = None
    events: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    def expected(self) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Return what the store should find."""
        match self.state:
            case "absent":
                return None
            case "waiting":
                return WaitingPost(self.id, "c", ("m",), self.place)
            case "published":
                assert self.place is not None
                return PublishedPost(self.id, self.place, "c", MANIFEST)
            case "deleted":
                return DeletedPost(self.id)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
async def test_any_order_of_writes_keeps_to_the_rules(opened: OpenStore, steps: list[Step]) -> None:
    """A post only moves forward, is published once at one place and stays deleted, and its events say so."""
    life = Life(PublicId(new_id(), some_user()))
    for step in steps:
        await take(step, opened, life)
        assert await opened.posts.find(life.id) == life.expected()
    assert await published_and_deleted(opened.outbox, life.id.owner) == life.events


async def take(step: Step, opened: OpenStore, life: Life) -> None:
    """Take a step in the store and in the rules, and compare the answers."""
    store, proposed = opened.posts, new_id()
    match step:
        case "wait":
            await store.add_waiting(WaitingPost(life.id, "c", ("m",)))
            life.state = "waiting" if life.state == "absent" else life.state
        case "claim":
            if life.state == "waiting":
                life.place = life.place or proposed
            expected = life.place if life.state == "waiting" else None
            assert await store.claim_place(life.id, proposed) == expected
        case "publish":
            if life.place is not None:  # a publisher uses the place it was given
                await _publish(opened, life, life.place)
        case "publish at once":
            await _publish(opened, life, life.id.local)
        case "withdraw":
            can = life.state == "waiting" and life.place is None
            assert await store.withdraw(life.id, 1) == can
            life.state = "deleted" if can else life.state
        case "delete":
            await _delete(opened, life)


async def _publish(opened: OpenStore, life: Life, place: int) -> None:
    record = new_record(event_pb2.PostPublished(author_id=life.id.owner, place=place))
    can = life.state == "absent" or (life.state == "waiting" and life.place == place)
    assert await opened.posts.publish(PublishedPost(life.id, place, "c", MANIFEST), [record]) == can
    if can:
        life.state, life.place = "published", place
        life.events[0].append(place)


async def _delete(opened: OpenStore, life: Life) -> None:
    if life.place is None:  # there is nothing to delete
        return
    record = new_record(event_pb2.PostDeleted(author_id=life.id.owner, place=life.place))
    can = life.state != "deleted"
    assert await opened.posts.delete(life.id, life.place, 1, [record]) == can
    if can:
        life.state = "deleted"
        life.events[1].append(life.place)
