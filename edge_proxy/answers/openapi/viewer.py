"""The page that shows the document: Swagger UI, with no external resources."""

from pathlib import Path

from edge_proxy.answers.openapi.edge_paths import DOCUMENT_PATH

PAGE_PATH = "/docs"
# Written by `make protos`.
SWAGGER_UI = Path(__file__).parent / "swagger_ui"
SCRIPT, STYLE, ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"
START = "start.js"
# Same origin only. Swagger UI sets inline styles and has images in its style sheet.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lensfeed API</title>
<link rel="icon" type="image/png" href="{PAGE_PATH}/{ICON}">
<link rel="stylesheet" href="{PAGE_PATH}/{STYLE}">
<body>
<div id="api"></div>
<noscript>This page needs JavaScript. The document is at <a href="{DOCUMENT_PATH}">{DOCUMENT_PATH}</a>.</noscript>
<script src="{PAGE_PATH}/{SCRIPT}"></script>
<script src="{PAGE_PATH}/{START}"></script>
</html>
"""
# The default `validatorUrl` is a third-party server.
START_SCRIPT = f"""\
SwaggerUIBundle({{
  url: "{DOCUMENT_PATH}",
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
}});
"""


def packaged_file(name: str) -> bytes:
    """Read a file of Swagger UI."""
    return (SWAGGER_UI / name).read_bytes()
