"""Programs that run third-party tools in their own virtual environments."""
