"""What the two processes of a schemathesis run tell each other."""

SCENE = "SCHEMATHESIS_SCENE"
"""The environment variable that says, as JSON, what stands for what in the document's examples."""
