"""Private accounts and follow requests."""
