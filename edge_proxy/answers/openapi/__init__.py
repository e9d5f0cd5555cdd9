"""What the public contract says, for people and tools: an OpenAPI document, the page that shows it, and docs/api.md.

All of it is made of the descriptors alone: types, comments, rules and options of the contracts.
"""
