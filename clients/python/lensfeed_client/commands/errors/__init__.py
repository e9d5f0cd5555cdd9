"""What commands say when they fail."""
