"""Uploads from start to finish: start, resume, complete, finish, sweep, and S3 events."""
