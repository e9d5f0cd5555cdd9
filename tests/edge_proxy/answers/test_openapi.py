"""The OpenAPI document and docs/api.md, generated from the contracts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from edge_proxy.answers.openapi.document import document
from edge_proxy.answers.openapi.markdown import markdown
from edge_proxy.contracts import ContractsError, public_methods, read_descriptors
from edge_proxy.json_types import Json

ROOT = Path(__file__).parents[3]
PACKAGED = ROOT / "edge_proxy" / "lensfeed.binpb"


@pytest.fixture(scope="module")
def descriptors() -> FileDescriptorSet:
    """Read the descriptors of all contracts."""
    return read_descriptors(PACKAGED)


@pytest.fixture(scope="module")
def made(descriptors: FileDescriptorSet) -> Json:
    """Build the document."""
    return document(descriptors)


def operations(made: Json) -> dict[str, Json]:
    """Return the operations by id."""
    return {each["operationId"]: each for path in made["paths"].values() for each in path.values()}


def examples(made: Json) -> Iterator[tuple[Json, object]]:
    """Yield every example with its schema."""
    for each in operations(made).values():
        for parameter in each["parameters"]:
            yield parameter["schema"], parameter["example"]
        shared = made["components"]["responses"]
        responses = [shared[of["$ref"].rpartition("/")[2]] if "$ref" in of else of for of in each["responses"].values()]
        for holder in (each.get("requestBody", {}), *responses):
            for content in holder.get("content", {}).values():
                values = [of["value"] for of in content.get("examples", {}).values()]
                for value in values + ([content["example"]] if "example" in content else []):
                    yield content["schema"], value


def test_it_is_valid(made: Json) -> None:
    """The document is valid OpenAPI 3.1."""
    validate(made)


def test_it_has_every_public_method_and_no_other(made: Json, descriptors: FileDescriptorSet) -> None:
    """Each public method is an operation, with its cost and whether it needs a token."""
    stated = {each["x-grpc-method"]: each for each in operations(made).values() if "x-grpc-method" in each}
    methods = {f"{method.service}/{method.name}": method for method in public_methods(descriptors)}
    assert stated.keys() == methods.keys()
    for name, each in stated.items():
        assert (each["x-cost"], each["security"] == []) == (methods[name].cost, methods[name].is_open), name


def test_everything_has_a_description(made: Json) -> None:
    """Operations, parameters, types and fields have descriptions."""
    for each in operations(made).values():
        assert each["description"].strip()
        assert all(parameter["description"].strip() for parameter in each["parameters"])
    for name, schema in made["components"]["schemas"].items():
        assert schema["description"].strip(), name
        for field, of in schema.get("properties", {}).items():
            assert of["description"].strip(), f"{name}.{field}"


def test_examples_match_their_schemas(made: Json) -> None:
    """Each example is valid for its schema, including formats."""
    found = list(examples(made))
    assert len(found) > 100
    for schema, value in found:
        whole = {**schema, "components": made["components"]}
        OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


@pytest.mark.parametrize(
    ("schema", "field", "keywords"),
    [
        ("CreateUserRequest", "handle", {"pattern": "^[a-z0-9_.]{3,30}$"}),
        ("CreateUserRequest", "password", {"minLength": 8, "maxLength": 1024}),
        ("CreateUserRequest", "displayName", {"maxLength": 64}),
        ("CreatePostRequest", "caption", {"maxLength": 2200, "pattern": r"^[^\x00]*$"}),
        ("CreatePostRequest", "mediaIds", {"minItems": 1, "maxItems": 10, "uniqueItems": True}),
        ("CompleteUploadRequest", "parts", {"maxItems": 1000}),
        ("User", "userId", {"type": "string", "format": "int64"}),
        ("User", "createdAt", {"type": "string", "format": "date-time"}),
        ("Media", "thumbhash", {"type": "string", "contentEncoding": "base64"}),
        ("UploadPart", "headers", {"type": "object", "additionalProperties": {"type": "string"}}),
    ],
)
def test_rules_and_types_come_from_the_contract(made: Json, schema: str, field: str, keywords: Json) -> None:
    """Rules of the contract become keywords, and types follow proto3's JSON mapping."""
    of = made["components"]["schemas"][schema]["properties"][field]
    assert keywords.items() <= of.items()


def test_what_is_required_follows_from_the_rules(made: Json) -> None:
    """Required are fields that must not be empty and, in responses, those always printed."""
    schemas = made["components"]["schemas"]
    assert schemas["CreateUserRequest"]["required"] == ["handle", "password"]
    assert "required" not in schemas["UpdateUserRequest"]
    assert schemas["GetFeedResponse"]["required"] == ["items"]
    assert "failure" not in schemas["Media"]["required"]


def test_fields_of_the_path_are_not_in_the_body(made: Json) -> None:
    """A path parameter is not repeated in the body."""
    (media_id,) = operations(made)["completeUpload"]["parameters"]
    assert (media_id["name"], media_id["in"]) == ("mediaId", "path")
    assert list(made["components"]["schemas"]["CompleteUploadRequest"]["properties"]) == ["parts"]


@pytest.mark.parametrize(
    ("operation", "status", "reasons"),
    [
        (
            "createUser",
            "400",
            {"HANDLE_INVALID", "PASSWORD_INVALID", "FIELD_INVALID", "IDEMPOTENCY_KEY_INVALID", "BODY_MALFORMED"},
        ),
        ("createUser", "409", {"HANDLE_TAKEN", "IDEMPOTENCY_MISMATCH"}),
        ("createSession", "401", {"CREDENTIALS_INVALID"}),
        ("createPost", "404", {"MEDIA_NOT_FOUND", "METHOD_UNKNOWN"}),
        ("createPost", "409", {"IDEMPOTENCY_MISMATCH"}),
        ("createFollow", "400", {"SELF_FOLLOW", "FOLLOW_LIMIT", "FOLLOW_REQUESTS_FULL", "BODY_MALFORMED"}),
    ],
)
def test_each_status_names_its_reasons(made: Json, operation: str, status: str, reasons: set[str]) -> None:
    """A response lists the contract's reasons and the edge's for the same status."""
    response = operations(made)[operation]["responses"][status]
    assert set(response["content"]["application/json"]["examples"]) == reasons


def test_every_operation_lists_the_edges_errors(made: Json) -> None:
    """Errors that the edge may return are listed for each method."""
    for name, each in operations(made).items():
        if "x-grpc-method" in each:
            assert {"400", "404", "413", "429", "503", "504"} <= each["responses"].keys(), name
            assert each["security"] == [] or "401" in each["responses"], name


def test_a_post_takes_an_idempotency_key(made: Json) -> None:
    """A header that the contract's comment names is a parameter."""
    (key,) = operations(made)["createPost"]["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", False)


def test_a_method_without_a_rest_path_is_an_error(descriptors: FileDescriptorSet) -> None:
    """A method without a REST path raises an error that names it."""
    changed = FileDescriptorSet.FromString(descriptors.SerializeToString())
    file = next(file for file in changed.file if file.name == "lensfeed/feed/v1/feed_service.proto")
    file.service[0].method[0].ClearField("options")
    with pytest.raises(ContractsError, match="GetFeed"):
        document(changed)


def test_the_page_in_docs_is_up_to_date(made: Json) -> None:
    """docs/api.md matches the contracts. `make api-docs` updates it."""
    assert (ROOT / "docs" / "api.md").read_text() == markdown(made)
