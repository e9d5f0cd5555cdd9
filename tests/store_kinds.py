"""The stores that contract suites and the black-box suite run on."""

STORE_KINDS = ("sqlite", "cassandra")
