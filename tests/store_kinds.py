"""The stores that every contract suite, and the black-box suite, run on."""

STORE_KINDS = ("sqlite", "cassandra")
