"""Code that reads strangers' bytes, in processes of its own with limits. It knows no store, no S3 and no Redis."""
