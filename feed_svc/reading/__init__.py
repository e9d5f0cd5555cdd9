"""A page of a home feed, and the rebuild of a missing timeline. Writing by events is in `fan_out/`."""
