"""The errors of each method, with an example in JSON."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from google.rpc.code_pb2 import Code

from edge_proxy.answers import refusals
from edge_proxy.answers.openapi.contract import Rpc
from edge_proxy.answers.openapi.rules import DEFAULT_REASON
from edge_proxy.answers.refusals import Refusal
from edge_proxy.contracts import ContractsError
from edge_proxy.json_types import Json

# The HTTP status of each code that a comment may name, as Envoy maps them.
HTTP_STATUS: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
}
# `Errors: A, B (CODE); C (CODE) where …`
_LABEL = "Errors: "
_GROUP = re.compile(r"((?:[A-Z][A-Z_]+, )*[A-Z][A-Z_]+) \(([A-Z_]+)\),?\s*([^;]*)")
# Refusals that any call may get.
COMMON_REFUSALS = (
    refusals.BODY_MALFORMED,
    refusals.METHOD_UNKNOWN,
    refusals.TOO_SLOW,
    refusals.MESSAGE_TOO_LARGE,
    replace(refusals.RATE_LIMITED, retry_after_seconds=1),
    refusals.OVERLOADED,
    refusals.HEADERS_TOO_LARGE,
    refusals.INTERNAL,
    refusals.UNAVAILABLE,
    refusals.OUTCOME_UNKNOWN,
    refusals.DEADLINE_EXCEEDED,
)
TOKEN_REFUSALS = (refusals.TOKEN_MISSING, refusals.TOKEN_INVALID)


@dataclass(frozen=True, slots=True)
class Error:
    """One error of a method. `note` is what the contract adds; mostly empty."""

    status: int
    code: str
    reason: str
    note: str
    example: Json


def split_comment(comment: str) -> tuple[str, str]:
    """Split a method's comment into its description and its errors."""
    text, _, errors = comment.partition(_LABEL)
    return text.strip(), errors.removesuffix(".")


def method_errors(rpc: Rpc, messages: dict[str, tuple[str, str]]) -> list[Error]:
    """List the errors that the contract states for a method.

    `messages` maps a reason that is a rule of the request to the field and the text.
    """
    _, text = split_comment(rpc.comment)
    found = [_of_group(group, messages) for group in _GROUP.finditer(text)]
    errors = [error for group in found for error in group]
    if DEFAULT_REASON in messages and DEFAULT_REASON not in {error.reason for error in errors}:
        errors.append(_error("INVALID_ARGUMENT", DEFAULT_REASON, "", messages))
    return errors


def shared_errors(rpc: Rpc) -> list[Error]:
    """List the errors that the edge may return for any call of a method."""
    of_users = () if rpc.method.is_open else TOKEN_REFUSALS
    return [from_refusal(each) for each in (*of_users, *COMMON_REFUSALS)]


def from_refusal(refusal: Refusal) -> Error:
    """Convert a refusal of the edge."""
    return Error(
        refusal.http_status, Code.Name(refusal.code), refusal.reason, refusal.message, json.loads(refusal.json())
    )


def by_status(errors: Iterable[Error]) -> dict[int, list[Error]]:
    """Group errors by HTTP status, in ascending order."""
    groups: dict[int, list[Error]] = {}
    for error in sorted(errors, key=lambda error: error.status):
        groups.setdefault(error.status, []).append(error)
    return groups


def _of_group(group: re.Match[str], messages: dict[str, tuple[str, str]]) -> list[Error]:
    return [_error(group[2], reason, group[3].strip(), messages) for reason in group[1].split(", ")]


def _error(code: str, reason: str, note: str, messages: dict[str, tuple[str, str]]) -> Error:
    if code not in HTTP_STATUS:
        raise ContractsError(f"{reason}: no HTTP status is known for the code {code}")
    field, message = messages.get(reason, ("", reason.replace("_", " ").lower()))
    details: list[Json] = [{"@type": TYPE + "ErrorInfo", "reason": reason, "domain": refusals.DOMAIN}]
    if field:
        violation = {"field": field, "description": message, "reason": reason}
        details.append({"@type": TYPE + "BadRequest", "fieldViolations": [violation]})
    example = {"code": Code.Value(code), "message": message, "details": details}
    return Error(HTTP_STATUS[code], code, reason, note or (message if field else ""), example)


TYPE = "type.googleapis.com/google.rpc."
