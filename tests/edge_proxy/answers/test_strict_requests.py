"""REST requests are checked strictly: query parameters, JSON and the types of fields."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.rpc.code_pb2 import Code

from edge_proxy.answers.openapi.contract import read_contract
from edge_proxy.answers.openapi.parameters import in_path
from edge_proxy.contracts import read_descriptors
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.rpcs import DESCRIPTORS

MALFORMED = (400, Code.INVALID_ARGUMENT, "BODY_MALFORMED")
CONTRACT = read_contract(read_descriptors(DESCRIPTORS))
RPCS = [rpc for service in CONTRACT.services for rpc in service.rpcs]


def bound_parameters() -> Iterator[tuple[str, str, str]]:
    """Yield verb, path and the name of each field that path or body bind, in every spelling."""
    for rpc in RPCS:
        path = rpc.template
        for name in in_path(rpc):
            path = path.replace(f"{{{name}}}", "1")
        for field in CONTRACT.messages[rpc.request].fields:
            if rpc.has_body or field.proto.name in in_path(rpc):
                for name in dict.fromkeys((field.name, field.proto.name)):
                    yield rpc.verb.upper(), path, name


def violation(response: httpx.Response) -> dict[str, Any]:
    """Return the only field violation of an error."""
    assert refusal(response) == MALFORMED
    _, bad_request = response.json()["details"]
    assert bad_request["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    (found,) = bad_request["fieldViolations"]
    assert found["description"] == response.json()["message"]
    assert found["reason"] == "BODY_MALFORMED"
    return dict(found)


@pytest.mark.parametrize(("verb", "path", "name"), list(bound_parameters()))
async def test_the_query_cannot_override_path_or_body(
    edge: Edge, backend: Backend, bearer: dict[str, str], verb: str, path: str, name: str
) -> None:
    """A field bound by path or body is an unknown query parameter for every method, and nothing is done."""
    escaped = "".join(f"%{ord(letter):02x}" for letter in name)
    for query in (f"{name}=2", f"{escaped}=2", name, f"&{name}=2&", f"{name}.x=2"):
        response = await edge.http.request(verb, f"{path}?{query}", headers=bearer)
        shown = f"{name}.x" if ".x" in query else name
        assert violation(response)["field"] == shown
        assert response.json()["message"] == f"unknown query parameter '{shown}'"
    assert backend.seen == []


@pytest.mark.parametrize(
    "path",
    ["/posts/A/?postId=B", "//posts/A?postId=B", "/./posts/A?postId=B", "/p%6fsts/A?postId=B", "/posts/A//?postId=B"],
)
async def test_other_spellings_of_a_path_are_checked_too(
    edge: Edge, backend: Backend, bearer: dict[str, str], path: str
) -> None:
    """A request that the transcoder might understand is either checked or unknown."""
    assert (await edge.http.delete(path, headers=bearer)).status_code in {400, 404}
    assert backend.seen == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"caption": "a",}',
        b'{"mediaIds": ["a",]}',
        b"{'caption': 'a'}",
        b'{caption: "a"}',
        b'{"caption": "a\nb"}',
        b'{"caption": "a\tb"}',
        b'{"caption": "\\x41"}',
        b'{"caption": "\\\'"}',
        b'{"caption": "a"} // comment',
        b'/* comment */{"caption": "a"}',
        b'{"caption": "a" "x": 1}',
        b'{"later": NaN}',
        b'{"later": 1.}',
        b'{"later": .5}',
        b'{"later": 01}',
        b'{"later": +1}',
        b'{"later": 0x1}',
        b'{"later": True}',
        b'\xef\xbb\xbf{"caption": "a"}',
        b'{"caption": "a"}\x00',
        b"caption=a",
        b" ",
    ],
)
async def test_a_body_must_be_json(edge: Edge, backend: Backend, bearer: dict[str, str], content: bytes) -> None:
    """A body that RFC 8259 does not allow is refused, although Envoy's transcoder would accept some."""
    response = await edge.http.post("/posts", content=content, headers=bearer)
    assert refusal(response) == MALFORMED
    assert response.json()["message"].startswith("the body is not ")
    assert backend.seen == []


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("/posts", b'{"mediaIds": "abc"}', "media_ids"),
        ("/posts", b'{"media\\u0049ds": "abc"}', "media_ids"),
        ("/posts", b'{"media_ids": "abc"}', "media_ids"),
        ("/posts", b'{"mediaIds": {"a": 1}}', "media_ids"),
        ("/posts", b'{"mediaIds": ["a", 5]}', "media_ids"),
        ("/posts", b'{"mediaIds": [["a"]]}', "media_ids"),
        ("/posts", b'{"mediaIds": [null]}', "media_ids"),
        ("/posts", b'{"later": [1, {"a": "}]"}], "caption": 5}', "caption"),
        ("/posts", b'{"caption": ["a"]}', "caption"),
        ("/posts", b'{"caption": "a", "caption": "b"}', "caption"),
        ("/posts", b'{"mediaIds": ["a"], "media_ids": ["b"]}', "media_ids"),
        ("/media/m/complete", b'{"parts": {"number": 1}}', "parts"),
        ("/media/m/complete", b'{"parts": "a"}', "parts"),
        ("/media/m/complete", b'{"parts": [[{"number": 1}]]}', "parts"),
        ("/media/m/complete", b'{"parts": [{"number": 1}, {"number": 1.5}]}', "number"),
        ("/media/m/complete", b'{"parts": [{"number": true}]}', "number"),
        ("/media/m/complete", b'{"parts": [{"number": 2147483648}]}', "number"),
        ("/follows", b'{"followeeId": "x"}', "followee_id"),
        ("/follows", b'{"followeeId": ""}', "followee_id"),
        ("/follows", b'{"followeeId": "9223372036854775808"}', "followee_id"),
    ],
)
async def test_a_field_of_the_wrong_type_is_named(
    edge: Edge, backend: Backend, bearer: dict[str, str], path: str, content: bytes, field: str
) -> None:
    """A value that does not fit its field, such as a text for a list, is refused with the field's name."""
    assert violation(await edge.http.post(path, content=content, headers=bearer))["field"] == field
    assert backend.seen == []


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("/feed?limit=many", "limit", "query parameter 'limit' is not an integer in range (int32)"),
        ("/feed?limit=", "limit", "query parameter 'limit' is not an integer in range (int32)"),
        ("/feed?limit=2147483648", "limit", "query parameter 'limit' is not an integer in range (int32)"),
        ("/feed?cursor=%ff", "cursor", "query parameter 'cursor' is not UTF-8"),
        ("/feed?cursor=%ed%a0%80", "cursor", "query parameter 'cursor' is not UTF-8"),
        ("/feed?page=2", "page", "unknown query parameter 'page'"),
        ("/feed?%22%3Cscript%3E", "??script?", "unknown query parameter '??script?'"),
        ("/users/ann", "user_id", "path value 'userId' is not an integer in range (int64)"),
        ("/users/9223372036854775808", "user_id", "path value 'userId' is not an integer in range (int64)"),
        ("/posts/%c3%28", "post_id", "path value 'postId' is not UTF-8"),
    ],
)
async def test_a_wrong_parameter_is_named(
    edge: Edge, backend: Backend, bearer: dict[str, str], path: str, field: str, message: str
) -> None:
    """The error about a path value or query parameter says which one is wrong and why."""
    found = violation(await edge.http.get(path, headers=bearer))
    assert (found["field"], found["description"]) == (field, message)
    assert backend.seen == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"caption": "a"}',
        b' \r\n\t{ "caption" : "a" , "mediaIds" : [ "m" , "n" ] , "later" : { "x" : [ 1 , "]}" ] } } \n',
        b'{"caption": "\\u00e4\\ud83d\\ude00\\"\\\\", "mediaIds": null}',
        b'{"mediaIds": []}',
        b'{"caption": null}',
        b"{}",
        b"",
    ],
)
async def test_valid_json_passes(edge: Edge, backend: Backend, bearer: dict[str, str], content: bytes) -> None:
    """Every form of valid JSON is accepted, with unknown fields and null."""
    assert (await edge.http.post("/posts", content=content, headers=bearer)).status_code == 200
    assert len(backend.seen) == 1


async def test_numbers_may_have_every_form_of_json(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """An integer may be a number, also with exponent or fraction zero, or a string."""
    for content in (b"7", b'"7"', b"7.0", b"0.7e1", b"70e-1", b'"007"'):
        response = await edge.http.post("/follows", content=b'{"followeeId": %s}' % content, headers=bearer)
        assert response.status_code == 200, content
        assert backend.last.request.followee_id == 7


async def test_the_largest_body_is_checked(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """The largest nested JSON that is valid up to its last byte is refused, and the edge lives on."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        depth = 60_000 // len(opening + closing)
        content = b'{"later": ' + opening * depth + b"1" + closing * depth + b",}"
        assert refusal(await edge.http.post("/posts", content=content, headers=bearer)) == MALFORMED
    many = b'{"mediaIds": [' + b'"a",' * 15_000 + b"5]}"
    assert violation(await edge.http.post("/posts", content=many, headers=bearer))["field"] == "media_ids"
    assert backend.seen == []
