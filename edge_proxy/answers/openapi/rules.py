"""Translates validation rules (buf.validate) into JSON Schema.

Our rules are CEL, so that each has its own reason. Known forms become keywords; other rules appear only as text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from buf.validate import validate_pb2
from google.protobuf.message import Message

from edge_proxy.answers.openapi.contract import Field
from edge_proxy.json_types import Json

# The reason that services give for a rule without its own.
DEFAULT_REASON = "FIELD_INVALID"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its reason, its text for people and its JSON Schema keywords."""

    reason: str
    message: str
    keywords: Json = field(default_factory=dict)


def rules_of(of: Field) -> list[Rule]:
    """List the rules of a field in the order of the contract."""
    stated = of.proto.options.Extensions[validate_pb2.field]
    own = [Rule(rule.id, rule.message, _translate(rule.expression, of)) for rule in stated.cel]
    return [*own, *_standard(stated)]


def keywords_of(of: Field) -> Json:
    """Return the keywords of all rules of a field. For a list, they apply to the list, not its items."""
    merged: Json = {}
    for rule in rules_of(of):
        merged |= rule.keywords
    return merged


def _standard(stated: validate_pb2.FieldRules) -> list[Rule]:
    kind = stated.WhichOneof("type")
    if kind is None:
        return []
    rules: Message = getattr(stated, kind)
    return [
        Rule(DEFAULT_REASON, _words(keyword, value), {keyword: value})
        for descriptor, value in rules.ListFields()
        if (keyword := STANDARD.get(descriptor.name))
    ]


def _words(keyword: str, value: int) -> str:
    bound = "at most" if keyword.startswith("max") else "at least"
    unit = {"Length": " characters", "Items": " items"}.get(keyword[3:], "")
    return f"{bound} {value:,}{unit}"


STANDARD = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "gte": "minimum",
    "lte": "maximum",
}


def _translate(expression: str, of: Field) -> Json:
    keywords: Json = {}
    for condition in expression.split("&&"):
        for form, keyword in FORMS:
            if found := form.fullmatch(condition.strip()):
                keywords |= keyword(found, of)
                break
        else:
            return {}  # half a rule would accept what the whole rule refuses
    return keywords


def _size(found: re.Match[str], of: Field) -> Json:
    unit = "Items" if of.is_repeated else "Length"
    return {("max" if found[1] == "<=" else "min") + unit: int(found[2])}


def _bound(found: re.Match[str], _: Field) -> Json:
    return {"maximum" if found[1] == "<=" else "minimum": int(found[2])}


Translation = Callable[[re.Match[str], Field], Json]
FORMS: tuple[tuple[re.Pattern[str], Translation], ...] = (
    (re.compile(r"size\(this\) (<=|>=) (\d+)"), _size),
    (re.compile(r"this (<=|>=) (-?\d+)"), _bound),
    (re.compile(r"this\.matches\('([^'\\]+)'\)"), lambda found, _: {"pattern": found[1]}),
    (re.compile(r"this\.unique\(\)"), lambda *_: {"uniqueItems": True}),
    (re.compile(r"!this\.contains\('\\u0000'\)"), lambda *_: {"pattern": r"^[^\x00]*$"}),
)
