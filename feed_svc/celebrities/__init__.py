"""Which authors are pulled instead of pushed, and how a timeline learns that this changed."""
