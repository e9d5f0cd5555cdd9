"""An upload from its start to its last byte: start, resume, complete, finish, sweep, and events of S3."""
