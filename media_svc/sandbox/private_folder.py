"""What lies in the private folder of a process that reads strangers' bytes. Light: such processes start with each picture."""

ORIGINAL_NAME = "original"
MANIFEST_NAME = "manifest.json"
LOG_NAME = "log"
# A process that ends with it says that it was given too little memory for this picture, and has not tried.
NEEDS_ROOM_CODE = 75
