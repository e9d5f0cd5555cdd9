"""What commands keep between runs."""
