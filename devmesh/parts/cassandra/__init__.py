"""A Cassandra cluster of one or three nodes on this machine."""
