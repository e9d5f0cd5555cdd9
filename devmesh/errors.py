"""What can go wrong while a mesh starts."""


class MeshError(Exception):
    """The mesh cannot start or go on. Its text is for the person at the terminal: what happened, and what to do."""
