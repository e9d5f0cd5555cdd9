"""Take the files of Swagger UI out of the wheel that carries them, into edge_proxy's package data. Run by `make protos`.

The wheel is a Flask extension. As it is needed for a build only, no edge has to install Flask.
"""

import shutil
from importlib.metadata import distribution
from pathlib import Path

from edge_proxy.answers.openapi.viewer import ICON, SCRIPT, STYLE, SWAGGER_UI


def take(folder: Path = SWAGGER_UI) -> None:
    """Copy what the page needs, and the licence under which it is passed on."""
    folder.mkdir(exist_ok=True)
    source = Path(str(distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
    for name in (SCRIPT, STYLE, ICON, "LICENSE"):
        shutil.copyfile(source / name, folder / name)


if __name__ == "__main__":
    take()
