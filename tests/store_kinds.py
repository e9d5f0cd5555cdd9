"""The stores that every contract suite runs on."""

import os

STORE_KINDS = tuple(os.environ.get("TEST_STORES", "sqlite").split(","))
