"""File names in the private folder of a sandboxed process. Kept light: such a process starts for each picture."""

ORIGINAL_NAME = "original"
MANIFEST_NAME = "manifest.json"
LOG_NAME = "log"
# The exit code of a process that has not tried, because the picture is above the limits that it was given.
LARGE_PICTURE_CODE = 75
