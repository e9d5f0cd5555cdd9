"""The commands of `lensfeed` that run a mesh. What they start is in `parts/`, how it is kept running in `supervise/`."""
