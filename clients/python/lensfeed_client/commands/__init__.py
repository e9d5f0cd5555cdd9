"""The `lensfeed` command, as far as it uses a mesh: `app.py` has all of it. Heavy modules are imported where a command runs."""
