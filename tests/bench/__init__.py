"""The rules of the measurements that need no server, and no clock."""
