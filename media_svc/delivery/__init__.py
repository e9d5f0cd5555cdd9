"""Serve media: popularity, cache lifetimes, CDN purges and removal. `photos/` and `videos/` make the files."""
