"""The OpenAPI document, its viewer and docs/api.md, generated from the contracts' descriptors alone."""
