"""Import every module of the installed lensfeed, as `make pythons` does. A warning is an error, as in the tests."""

import importlib
import warnings
from importlib.metadata import files

# These start something when they are imported.
_SCRIPTS = ("__main__", "_process")


def main() -> None:
    """Import all modules, in the order of the wheel."""
    # betterproto2, by which envoy-data-plane is made, writes its validators in a form that pydantic has given up.
    warnings.filterwarnings("error")
    warnings.filterwarnings("ignore", "Using `@model_validator` with mode='after' on a classmethod", DeprecationWarning)
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in files("lensfeed") or ()
        if path.suffix == ".py" and "migrations" not in path.parts
    ]
    for module in modules:
        if not module.endswith(_SCRIPTS):
            importlib.import_module(module)
    print(f"{len(modules)} modules")


if __name__ == "__main__":
    main()
