"""The `lensfeed` commands that use a mesh, assembled in `app.py`. Slow imports happen inside each command."""
