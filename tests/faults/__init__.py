"""Fault tests with a three-node Cassandra cluster, run by `make faults` in some minutes."""
