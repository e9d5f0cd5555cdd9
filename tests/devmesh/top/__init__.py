"""The figures of `lensfeed top`."""
