"""S3: objects, copies, and the rules of the bucket. Use cases see it through `ports.py`."""
