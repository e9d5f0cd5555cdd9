"""Originals that are served unchanged, because they hold nothing but pixels."""
