"""Where meshes keep their data unless told otherwise."""

from pathlib import Path

import platformdirs

STORES = ("sqlite", "cassandra")


def usual_folder(store: str) -> Path:
    """Each store has a folder of its own: timelines and objects belong to the accounts of one."""
    return Path(platformdirs.user_data_dir("lensfeed" if store == "sqlite" else f"lensfeed-{store}"))
