"""Child processes: start, watch, restart, stop. It does not know which server a process is."""
