"""Sessions: their storage, and the tokens that they renew."""
