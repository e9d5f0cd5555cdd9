"""Uploads, and what becomes of them: media_svc."""
