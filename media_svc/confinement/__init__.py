"""Take rights away from a process that reads untrusted bytes."""
