"""docs/errors.md: every reason that an app can meet, from the contracts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from google.rpc.code_pb2 import Code

from docs.generate.api import read_document
from docs.generate.table import table
from edge_proxy.answers.openapi.error_responses import RESPONSES, SEPARATOR
from edge_proxy.json_types import Json

HEAD = """\
# Errors

<!-- Written by `make reference` from the contracts (protos/lensfeed/). Change those, not this page. -->

An error is a `google.rpc.Status`: `code`, `message`, and `details`. In REST it is the JSON body, in gRPC the trailer
`grpc-status-details-bin`.

- Programs decide by the `reason` in the detail `ErrorInfo`. Reasons are stable; messages are for people and may change.
- `BadRequest` names each wrong field, with its own reason.
- `RetryInfo`, and the header `Retry-After`, say when to try again.
- Without a reason, as after a lost connection, decide by the code.

"""
UNAUTHORIZED = "Unauthorized"
EVERY_METHOD = "every method"
EVERY_USER_METHOD = "every method that needs a token"


@dataclass
class Reason:
    """One reason with one status: what it means, and which operations have it."""

    code: str
    notes: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)


def errors_page() -> str:
    """Write the page."""
    rows = (
        (f"`{name}`", reason.code, str(status), " · ".join(reason.notes), ", ".join(reason.operations))
        for (name, status), reason in sorted(_collect(read_document()).items())
    )
    return HEAD + table(("reason", "gRPC code", "HTTP", "meaning", "methods"), rows)


def _collect(made: Json) -> dict[tuple[str, int], Reason]:
    found: dict[tuple[str, int], Reason] = {}
    for operation, status, response in _responses(made):
        for name, example, note in _examples(response):
            reason = found.setdefault((name, status), Reason(Code.Name(example["code"])))
            if note and note not in reason.notes:
                reason.notes.append(note)
            if not {EVERY_METHOD, EVERY_USER_METHOD, operation} & set(reason.operations):
                reason.operations.append(operation)
    return found


def _responses(made: Json) -> Iterator[tuple[str, int, Json]]:
    """Return each error response with its operation: the shared ones first, which hide the operations that refer to them."""
    statuses: dict[str, int] = {}
    own: list[tuple[str, int, Json]] = []
    for path in made["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    statuses[response["$ref"].removeprefix(RESPONSES)] = int(status)
                elif int(status) >= HTTPStatus.BAD_REQUEST:
                    name = operation["operationId"]
                    own.append((f"[{name}](api.md#{name.lower()})", int(status), response))
    for name, response in made["components"]["responses"].items():
        yield EVERY_USER_METHOD if name == UNAUTHORIZED else EVERY_METHOD, statuses[name], response
    yield from own


def _examples(response: Json) -> Iterator[tuple[str, Json, str]]:
    """Return each reason of a response with its example and what the contract says about it."""
    content = response.get("content", {}).get("application/json", {}).get("examples", {})
    notes = response["description"].split(SEPARATOR)
    for (name, example), note in zip(content.items(), notes, strict=bool(content)):
        yield name, example["value"], note.partition(": ")[2]
