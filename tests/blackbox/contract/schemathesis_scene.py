"""The interface between the two processes of a schemathesis run."""

SCENE = "SCHEMATHESIS_SCENE"
"""The environment variable with the replacements for the document's examples, as JSON."""
