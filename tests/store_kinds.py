"""The stores that every contract suite runs on."""

STORE_KINDS = ("sqlite",)
