"""docs/cassandra-statements.md: every CQL statement, its consistency level, and why."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from docs.generate.table import table
from meshkit.cassandra.statements import Kind, Statement

ROOT = Path(__file__).parents[2]
ROOMS = ("meshkit", "user_svc", "follow_svc", "post_svc", "media_svc")
HEAD = """\
# Cassandra statements

<!-- Written by `make reference` from the stores' statements and docs/generate/statements.py. -->

Every statement that lensfeed sends to Cassandra, with its consistency level at the default settings.
[Consistency](consistency.md) explains the levels.

The rule: where an answer decides something, it is read at LOCAL_QUORUM or serially. LOCAL_ONE is only for what is shown. There a
replica that lags may lack a row or some of its cells; a row that is missing or incomplete counts as absent and is read again at
LOCAL_QUORUM.

"""
LEVELS = {
    Kind.READ: "LOCAL_ONE",
    Kind.SURE_READ: "LOCAL_QUORUM",
    Kind.SERIAL_READ: "LOCAL_SERIAL",
    Kind.WRITE: "LOCAL_QUORUM",
    Kind.CLAIM: "LOCAL_SERIAL, LOCAL_QUORUM",
}
BY_KIND = {
    Kind.SURE_READ: "a missing or old row would be believed",
    Kind.SERIAL_READ: "tells what a claim has come to, and completes one that is half done",
    Kind.WRITE: "an acknowledged write must be seen by the next quorum read",
    Kind.CLAIM: "callers race, and one of them must win",
}
# Why a statement has its level, where its kind does not say it all. A read at LOCAL_ONE needs a reason.
WHY: Mapping[str, str] = {
    "meshkit.cassandra.bridge._CHECK": "only asks whether a node answers",
    "meshkit.cassandra.outbox._READ": "a minute of events is closed when it finds nothing more",
    "meshkit.cassandra.outbox._READ_FORMER": "a minute of events is closed when it finds nothing more",
    "meshkit.cassandra.outbox._PROGRESS": "an old value only makes a sweeper read closed minutes again",
    "user_svc.store.cassandra._GET_USER": "shows profiles; decides nothing",
    "user_svc.store.cassandra._GET_USER_AT_QUORUM": "only a quorum can say that an account does not exist",
    "user_svc.store.cassandra._GET_ACCOUNT": "decides log-ins, refreshes and whether a profile changes",
    "user_svc.store.cassandra._PROFILE_TIMES": "a change must be written above the time of every acknowledged one",
    "user_svc.store.cassandra._OWNER": "people log in right after signing up",
    "user_svc.store.cassandra_sessions._GET": "a session that is missing, expired or revoked is refused",
    "user_svc.store.cassandra_sessions._LIST": "a changed password must end every session",
    "follow_svc.store.cassandra_lists._FOLLOWEES": "feeds are built from it",
    "follow_svc.store.cassandra_lists._FOLLOWED_OF": "decides whose posts a timeline gets",
    "follow_svc.store.cassandra_lists._FOLLOWERS": "fan-out reaches only the followers that it finds",
    "follow_svc.store.cassandra_lists._BUCKETS": "fan-out reaches only the followers that it finds",
    "follow_svc.store.cassandra_counts._COUNTS": "decides who is a celebrity, and when followees are counted",
    "follow_svc.store.cassandra_requests._REQUESTS": "those of an account that becomes public are accepted by what it finds",
    "follow_svc.store.cassandra_recount._USERS": "a recount corrects by what it finds",
    "follow_svc.store.cassandra_recount._PAIRS": "a recount corrects by what it finds",
    "follow_svc.store.cassandra_recount._COUNTS": "a recount corrects by what it finds",
    "follow_svc.store.cassandra_stances._ONE": "a change must be written above the time of every acknowledged one",
    "follow_svc.store.cassandra_stances._BETWEEN": "decides who sees whom, and whether a follow stands",
    "follow_svc.store.cassandra_stances._BLOCKED": "the limit is counted, and people look at once for what they changed",
    "follow_svc.store.cassandra_stances._STANDINGS": "decides who sees whom",
    "follow_svc.store.pair_changes._READ": "a follow that has ended must not be acknowledged as one that stands",
    "follow_svc.store.pair_changes._CHANGE_OF_FOLLOWER": "decides whether a change was carried out",
    "follow_svc.store.pair_changes._CHANGE_OF_REQUEST": "decides whether a change was carried out",
    "post_svc.store.cassandra_timelines._AT": "authors look at once for what they changed",
    "post_svc.store.cassandra_timelines._AT_PLACES": "shows cards",
    "post_svc.store.cassandra_timelines._AT_PLACES_AT_QUORUM": "only a quorum can say that a post does not exist",
    "post_svc.store.cassandra_timelines._LIST": "shows profiles",
    "post_svc.store.cassandra_timelines._LIST_AT_QUORUM": "read if a replica has a post only in part",
    "post_svc.store.cassandra_timelines._PLACES": "timelines are built from it",
    "post_svc.store.cassandra_timelines._PLACE_OF": "decides which post an id names",
    "post_svc.store.cassandra_media._USES": "a medium that no post uses is erased",
    "post_svc.store.cassandra_media._DONE": "decides whether the index answers for an author",
    "post_svc.store.cassandra_waiting._OF_MEDIUM": "a post that it misses would wait for the sweeper",
    "post_svc.store.cassandra_waiting._OF_MINUTE": "a post that it misses would wait until the next look",
    "media_svc.store.cassandra._VIDEO_PROGRESS": "progress must not move back",
    "media_svc.store.cassandra._CHECKS": "a check that it misses would never be made",
    "media_svc.store.cassandra._PROGRESS": "minutes before it are never looked at again",
    "media_svc.store.cassandra_bytes._USED": "decides whether a file may be uploaded; the claim decides again",
    "media_svc.store.cassandra_steps._READ": "decides which step a medium takes next",
}
_STATEMENT = re.compile(r"meshkit\.cassandra(\.statements)? import [^)]*\b(read|write|claim)\b|key_statements")


def statements_page() -> str:
    """Write the page."""
    rows = (
        (_short(statement.cql), LEVELS[statement.kind], _reason(name, statement.kind), f"`{name}`")
        for name, statement in statements()
    )
    return HEAD + table(("statement", "level", "why", "where"), rows)


def statements() -> Iterator[tuple[str, Statement]]:
    """Yield every statement of the stores with its name: the module, a dot and the constant."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if _STATEMENT.search(file.read_text()):
                module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
                yield from _in_module(module)


def _in_module(module: ModuleType) -> Iterator[tuple[str, Statement]]:
    for name, value in vars(module).items():
        several: Iterable[object] = value.values() if isinstance(value, dict) else (value,)
        yield from ((f"{module.__name__}.{name}", each) for each in several if isinstance(each, Statement))


def _reason(name: str, kind: Kind) -> str:
    if kind is Kind.READ and name not in WHY:
        raise KeyError(f"{name} reads at LOCAL_ONE: say in docs/generate/statements.py why an old answer does no harm")
    return WHY.get(name) or BY_KIND[kind]


def _short(cql: str) -> str:
    """Return a statement without the lists of columns, which do not matter here."""
    text = re.sub(r"^SELECT (?!DISTINCT|token).*? FROM", "SELECT … FROM", cql)
    text = re.sub(r"\(([a-z_]+, )[^)]*\) VALUES \([^)]*\)", r"(\1…) VALUES (…)", text)
    return f"`{re.sub(' LIMIT .*$', '', re.sub(r' SET .*? WHERE', ' SET … WHERE', text))}`"
