"""Hooks for schemathesis: existing ids, and the leniency of proto3 JSON."""

import json
import os
from typing import Any

import protovalidate
import schemathesis
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from lensfeed.feed.v1 import feed_service_pb2 as _feed
from lensfeed.follow.v1 import follow_service_pb2 as _follow
from lensfeed.media.v1 import media_service_pb2 as _media
from lensfeed.post.v1 import post_service_pb2 as _post
from lensfeed.user.v1 import user_service_pb2 as _user
from schemathesis.core import NotSet

from tests.blackbox.contract.schemathesis_scene import SCENE

SERVICES = {
    service.full_name: service
    for module in (_feed, _follow, _media, _post, _user)
    for service in module.DESCRIPTOR.services_by_name.values()
}


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, schema: dict[str, Any]) -> None:
    """Replace the document's examples with ids that exist."""
    del context  # part of the hook's signature
    text = json.dumps(schema)
    for example, real in json.loads(os.environ[SCENE]).items():
        assert example in text, example
        text = text.replace(example, real)
    schema.update(json.loads(text))


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Skip bodies that violate the schema but are valid proto3 JSON, such as `null` or quoted numbers.

    Also skip bodies with an empty field name, which the edge does not ignore.
    """
    del context
    name = case.operation.definition.raw.get("x-grpc-method", "")
    if _has_nameless(case.body):
        return False
    if case.meta is None or not case.meta.generation.mode.is_negative or isinstance(case.body, NotSet) or not name:
        return True
    others = {kind for kind, each in case.meta.components.items() if each.mode.is_negative} - {"body"}
    return bool({str(getattr(each, "value", each)) for each in others} - {"body"}) or not _is_good(name, case.body)


def _has_nameless(body: Any) -> bool:
    if isinstance(body, dict):
        return "" in body or any(_has_nameless(each) for each in body.values())
    return isinstance(body, list) and any(_has_nameless(each) for each in body)


def _is_good(method: str, body: Any) -> bool:
    service, _, name = method.rpartition("/")
    request: Message = GetMessageClass(SERVICES[service].methods_by_name[name].input_type)()
    try:
        ParseDict(body, request, ignore_unknown_fields=True)
    except (ParseError, AttributeError, TypeError, ValueError):
        return False
    return not protovalidate.Validator().collect_violations(request)
