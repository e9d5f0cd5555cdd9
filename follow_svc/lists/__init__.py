"""Pages of followers and followees, for apps and for other services, and their cursors."""
