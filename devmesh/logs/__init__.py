"""What `lensfeed logs` shows: the log files of a mesh, read line by line and merged by time."""
