"""What writes cost, compared with the work they cannot do without."""
