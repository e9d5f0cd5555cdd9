"""Default data folders."""

from pathlib import Path

import platformdirs

STORES = ("sqlite", "cassandra")


def default_folder(store: str) -> Path:
    """Return the default data folder of a store. Each has its own, as data of two stores must not mix."""
    return Path(platformdirs.user_data_dir("lensfeed" if store == "sqlite" else f"lensfeed-{store}"))
