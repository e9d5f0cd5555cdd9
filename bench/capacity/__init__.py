"""What lensfeed needs at 500 million daily users, on paper: `python -m bench.capacity` prints it.

The page docs/capacity.md and its plots are generated from this package by `make reference`.
"""
