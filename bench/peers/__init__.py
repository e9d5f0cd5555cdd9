"""Programs that run in environments of their own, beside the tools of other people that they drive."""
