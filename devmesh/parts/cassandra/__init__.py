"""A Cassandra cluster of one or three nodes on this machine. Clients of Cassandra are in `meshkit/cassandra/`."""
