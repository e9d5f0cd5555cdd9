"""docs/api.md: the document for reading, a section for each service and each of its methods."""

from collections.abc import Iterator, Sequence

from edge_proxy.answers.openapi.error_responses import RESPONSES, SEPARATOR
from edge_proxy.answers.openapi.overview import OVERVIEW
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

HEAD = """\
# The public API

<!-- Written by `make api-docs` from the contracts (protos/lensfeed/). Change those, not this. -->

A running edge shows the same at `/docs` to try out, and as OpenAPI 3.1 at `/openapi.json`.

"""
# What every operation may answer is told once.
SHARED_SECTION = "Errors of every method"


def markdown(document: Json) -> str:
    """Write the page."""
    lines = [HEAD + OVERVIEW]
    for tag in document["tags"]:
        lines += [f"## {tag['name']} methods", "", tag["description"], ""]
        for path, verb, operation in _operations(document):
            if tag["name"] in operation["tags"]:
                lines += _operation(document, path, verb, operation)
    lines += [f"## {SHARED_SECTION}", "", *_shared(document)]
    lines += ["## Types", "", *_types(document)]
    return "\n".join(lines).rstrip() + "\n"


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            yield path, verb.upper(), operation


def _operation(document: Json, path: str, verb: str, operation: Json) -> list[str]:
    return [
        f"### {operation['operationId']}",
        "",
        f"`{verb} {path}`" + (f" · `{operation['x-grpc-method']}`" if "x-grpc-method" in operation else ""),
        "",
        operation["description"].partition("\n\n")[0].removesuffix(" Costs nothing."),
        "",
        _who(operation),
        "",
        *_table(
            ("request", "where", "type", "meaning"),
            [_parameter(each) for each in operation["parameters"]] + _body(document, operation),
        ),
        *_table(("answer", "type", "meaning"), _answer(document, operation)),
        *_table(("status", "errors"), _errors(document, operation)),
    ]


def _who(operation: Json) -> str:
    who = "A signed-in user" if operation["security"] else "Anybody"
    cost = {0: "costs nothing", 1: "costs 1 point"}.get(operation["x-cost"], f"costs {operation['x-cost']} points")
    if "x-repeatable" not in operation:
        return f"{who}; {cost}."
    return f"{who}; {cost}; {'repeatable' if operation['x-repeatable'] else 'not repeatable'}."


def _parameter(parameter: Json) -> tuple[str, ...]:
    return parameter["name"], parameter["in"], _type(parameter["schema"]), parameter["description"]


def _body(document: Json, operation: Json) -> list[tuple[str, ...]]:
    if "requestBody" not in operation:
        return []
    schema = _component(document, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"])
    required = schema.get("required", [])
    return [
        (name + (" (required)" if name in required else ""), "body", _type(of), of["description"])
        for name, of in schema["properties"].items()
    ]


def _answer(document: Json, operation: Json) -> list[tuple[str, ...]]:
    _, response = next(iter(operation["responses"].items()))
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return _fields(_component(document, schema["$ref"])) if "$ref" in schema else []


def _fields(schema: Json) -> list[tuple[str, ...]]:
    return [(name, _type(of), of.get("description", "")) for name, of in schema.get("properties", {}).items()]


def _errors(document: Json, operation: Json) -> list[tuple[str, ...]]:
    """List the errors of the method's own, without those of every method."""
    shared = {name for response in document["components"]["responses"].values() for name in _reasons(response)}
    own = {status: each for status, each in operation["responses"].items() if set(_reasons(each)) - shared}
    return [(status, SEPARATOR.join(_own_words(each, shared))) for status, each in own.items()]


def _reasons(response: Json) -> list[str]:
    return list(response.get("content", {}).get("application/json", {}).get("examples", {}))


def _own_words(response: Json, shared: set[str]) -> list[str]:
    words = zip(_reasons(response), response["description"].split(SEPARATOR), strict=True)
    return [text for reason, text in words if reason not in shared]


def _shared(document: Json) -> list[str]:
    rows = [
        (next(iter(operation for operation in _statuses(document, name))), response["description"])
        for name, response in document["components"]["responses"].items()
    ]
    return _table(("status", "errors"), rows)


def _statuses(document: Json, name: str) -> Iterator[str]:
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if response.get("$ref") == RESPONSES + name:
                yield status


def _types(document: Json) -> list[str]:
    lines: list[str] = []
    wrappers = _wrappers(document)
    for name, schema in document["components"]["schemas"].items():
        if name in wrappers:
            continue
        lines += [f"### {name}", "", schema["description"], ""]
        lines += _table(("field", "type", "meaning"), _fields(schema))
    return lines


def _wrappers(document: Json) -> set[str]:
    """Name the messages whose fields already stand with their method."""
    found = set()
    for _, _, operation in _operations(document):
        contents = [operation.get("requestBody", {}), next(iter(operation["responses"].values()))]
        for content in contents:
            schema = content.get("content", {}).get("application/json", {}).get("schema", {})
            found.add(schema.get("$ref", "").removeprefix(SCHEMAS))
    return found


def _type(schema: Json) -> str:
    if "oneOf" in schema:
        return " or ".join(_type(each) for each in schema["oneOf"])
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(SCHEMAS)
        return f"[{name}](#{name.lower()})"
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}" + _rules(schema)
    kind = str(schema.get("format", schema["type"]))
    return ("int64 as text" if kind == "int64" else kind) + _rules(schema)


RULES = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum", "pattern", "const")
# The bounds of the type itself tell nothing.
_OF_TYPE = ("^-?[0-9]{1,19}$", -(2**31), 2**31 - 1)


def _rules(schema: Json) -> str:
    return "".join(f", {name} `{schema[name]}`" for name in RULES if name in schema and schema[name] not in _OF_TYPE)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n\n", " ").replace("\n", " ")


def _component(document: Json, reference: str) -> Json:
    component: Json = document["components"]["schemas"][reference.removeprefix(SCHEMAS)]
    return component
