"""The attributes of database statements in metrics, by the semantic conventions for databases."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+(?:\.\w+)?)", re.IGNORECASE)
# More than there are statements. The code names them all, so they are few.
_KNOWN = 1_024


@lru_cache(_KNOWN)
def summary_of(statement: str) -> str:
    """Return a statement's verb and table: `SELECT posts`."""
    verb = statement.split(maxsplit=1)[0].upper()
    table = _TABLE.search(statement)
    return f"{verb} {table[1]}" if table else verb


def batch_summary(statements: Iterable[str]) -> str:
    """Return the tables of a batch: `BATCH outbox posts`."""
    tables = {found[1] for each in statements if (found := _TABLE.search(each))}
    return " ".join(("BATCH", *sorted(tables)))


@lru_cache(_KNOWN)
def attributes_of(system: str, namespace: str, summary: str, error: str = "") -> Mapping[str, str]:
    """Return the attributes of one statement; `error` is the name of the exception that it failed with."""
    attributes = {"db.system.name": system, "db.namespace": namespace, "db.query.summary": summary}
    return MappingProxyType({**attributes, "error.type": error} if error else attributes)
