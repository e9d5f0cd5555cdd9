"""What events do to timelines: push a post, remove it, follow, unfollow, refresh. Reading a page is in `reading/`."""
