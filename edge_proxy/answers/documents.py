"""The OpenAPI document and its viewer, as files that Envoy serves."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from edge_proxy.answers.openapi import viewer
from edge_proxy.answers.openapi.document import document
from edge_proxy.answers.openapi.edge_paths import DOCUMENT_PATH
from edge_proxy.contracts import read_descriptors
from edge_proxy.json_types import Json
from edge_proxy.limits.rules import route_bucket
from edge_proxy.settings.edge import EdgeSettings

# Clients revalidate after an hour and get a 304.
CACHE_CONTROL = "public, max-age=3600"
# The largest is Swagger UI's script.
MAX_BYTES = 4 * 1024 * 1024
# For each file, over all clients. Envoy keeps such a response in memory until the client has read it. A minute of slow readers
# may then take a third of an edge's default memory.
READERS_PER_SECOND, READERS_AT_ONCE = 3, 30
NOT_GRPC = {
    "name": "content-type",
    "string_match": {"prefix": "application/grpc"},
    "treat_missing_header_as_empty": True,
    "invert_match": True,
}
GET_OR_HEAD = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}


@dataclass(frozen=True, slots=True)
class Document:
    """A file and the path it is served at."""

    path: str
    name: str
    content_type: str
    body: bytes
    policy: str = "default-src 'none'; frame-ancestors 'none'"
    """The content security policy."""

    @property
    def digest(self) -> str:
        """A hash of the content, for the ETag."""
        return hashlib.sha256(self.body).hexdigest()[:16]


def documents(settings: EdgeSettings) -> list[Document]:
    """List the files; none if documents are turned off. Raises ContractsError."""
    if not settings.edge_docs:
        return []
    contract = json.dumps(document(read_descriptors(settings.descriptor_set)), ensure_ascii=False)
    page, script = viewer.PAGE.encode(), "text/javascript; charset=utf-8"
    return [
        Document(DOCUMENT_PATH, "openapi.json", "application/json", contract.encode()),
        *(
            Document(path, "docs.html", "text/html; charset=utf-8", page, viewer.CONTENT_SECURITY_POLICY)
            for path in (viewer.PAGE_PATH, f"{viewer.PAGE_PATH}/")
        ),
        _page_asset(viewer.START, script, viewer.START_SCRIPT.encode()),
        _page_asset(viewer.SCRIPT, script, viewer.packaged_file(viewer.SCRIPT)),
        _page_asset(viewer.STYLE, "text/css; charset=utf-8", viewer.packaged_file(viewer.STYLE)),
        _page_asset(viewer.ICON, "image/png", viewer.packaged_file(viewer.ICON)),
    ]


def write_documents(settings: EdgeSettings) -> None:
    """Write the files to the folder that the routes read."""
    _folder(settings).mkdir(exist_ok=True)
    for each in documents(settings):
        (_folder(settings) / each.name).write_bytes(each.body)


def document_routes(settings: EdgeSettings) -> list[Json]:
    """Render two routes for each file: one for clients that have it (304), one for the rest."""
    return [route for each in documents(settings) for route in (_unchanged_route(each), _route(settings, each))]


def _page_asset(name: str, content_type: str, body: bytes) -> Document:
    return Document(f"{viewer.PAGE_PATH}/{name}", name, content_type, body)


def _folder(settings: EdgeSettings) -> Path:
    return settings.edge_dir.absolute() / "documents"


def _route(settings: EdgeSettings, each: Document) -> Json:
    headers = _headers(each) | {"content-type": each.content_type, "content-security-policy": each.policy}
    return {
        "name": f"document {each.path}",
        "match": {"path": each.path, "headers": [GET_OR_HEAD, NOT_GRPC]},
        "direct_response": {"status": 200, "body": {"filename": str(_folder(settings) / each.name)}},
        "response_headers_to_add": _added(headers),
        "typed_per_filter_config": route_bucket("documents", READERS_PER_SECOND, READERS_AT_ONCE),
    }


def _unchanged_route(each: Document) -> Json:
    known = {"name": "if-none-match", "string_match": {"contains": f'"{each.digest}"'}}
    return {
        "name": f"unchanged document {each.path}",
        "match": {"path": each.path, "headers": [GET_OR_HEAD, NOT_GRPC, known]},
        "direct_response": {"status": 304},
        # Envoy adds it to every direct response from 300 on.
        "response_headers_to_remove": ["location"],
        "response_headers_to_add": _added(_headers(each)),
    }


def _headers(each: Document) -> dict[str, str]:
    # Weak, because the compressed body has the same tag.
    return {"cache-control": CACHE_CONTROL, "etag": f'W/"{each.digest}"', "access-control-allow-origin": "*"}


def _added(headers: dict[str, str]) -> list[Json]:
    return [
        {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for name, value in headers.items()
    ]
