"""Tests of the images that `make images` builds. Only `make test-images` runs them, as root."""
