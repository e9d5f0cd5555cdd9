"""Compares live timelines with the store, repairs what differs and reports the ratio."""
