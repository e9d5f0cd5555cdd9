"""The page docs/capacity.md and its plots."""
