"""Code that reads untrusted bytes in limited processes. It imports no store, S3 or Redis client."""
