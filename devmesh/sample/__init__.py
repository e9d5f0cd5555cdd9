"""Sample people and pictures for `lensfeed seed`."""
