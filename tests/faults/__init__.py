"""What a cluster survives. Run by `make faults`: it needs three nodes of Cassandra, and minutes."""
