"""File names in the private folder of a sandboxed process. Kept light: such a process starts for each picture."""

ORIGINAL_NAME = "original"
MANIFEST_NAME = "manifest.json"
LOG_NAME = "log"
# The exit code of a process that has not tried, because the picture needs more memory than it was given.
NEEDS_MEMORY_CODE = 75
