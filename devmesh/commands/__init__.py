"""The commands of `lensfeed` that run and operate a mesh."""
