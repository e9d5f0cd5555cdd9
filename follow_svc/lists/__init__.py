"""Pages of followers and followees, and their cursors."""
