"""A model of posts on their way to their followers."""
