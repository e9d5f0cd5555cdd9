"""Media that are served: popularity, cache lives, CDN purges, removal. Making the files is in `photos/` and `videos/`."""
