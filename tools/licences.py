"""Refuse licences that a product under Apache-2.0 cannot be shipped with. Run by `make licences`, over the bill of materials.

Each package needs a licence of ALLOWED, or an entry in REASONED that says why it may be shipped all the same. Metadata does
not tell what a wheel carries besides its own code: a package with a binary of COPYLEFT needs an entry, too.
docs/adr/0023 tells what follows for whoever passes on an image.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from tools.pythons import environment, own_version

# SPDX's names and those of PyPI's classifiers and old metadata. They ask only that their text is passed on.
ALLOWED = frozenset(
    {
        *("Apache-2.0", "Apache Software License", "Apache License, Version 2.0", "Apache License 2.0", "Apache 2.0"),
        *(
            "MIT",
            "MIT-0",
            "MIT-CMU",
            "MIT License",
            "0BSD",
            "ISC",
            "ISC License (ISCL)",
            "Zlib",
            "Unlicense",
            "CC0-1.0",
        ),
        *("BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD License", "PSF-2.0", "Python-2.0", "HPND"),
        # Binds changes to its own files only.
        *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"),
    }
)
REASONED = {
    "av": "FFmpeg (LGPL-3.0-or-later) with x264 and x265 (GPL-2.0-or-later): unchanged, in a process that only decodes",
    "imageio-ffmpeg": "an ffmpeg program (GPL-3.0-or-later): unchanged, run as a program of its own",
    "pillow-heif": "libheif and libde265 (LGPL-3.0) with x265 (GPL-2.0-or-later): unchanged, in a process that only decodes",
    "protobuf": "states no licence; its LICENSE file is BSD-3-Clause",
    "pyvips-binary": "libvips and what it needs (LGPL-3.0-or-later): one shared library, which users may replace",
}
COPYLEFT = re.compile(
    r"(x264|x265|ffmpeg-|libav(codec|format|util)|libheif|libde265|libvips|libmp3lame|libgnutls|libgmp)"
)
_PREFIX = "License :: OSI Approved :: "
_OR, _AND = re.compile(r"\s+OR\s+"), re.compile(r"\s+AND\s+")


def main() -> int:
    """Check a bill of materials and its packages, and print what cannot be shipped."""
    bill = json.loads(Path(sys.argv[1]).read_text())
    components = {str(canonicalize_name(each["name"])): sorted(licences_of(each)) for each in bill["components"]}
    folder = environment(own_version(), sys.executable)
    carriers = {
        str(canonicalize_name(each.name)): found
        for each in distributions(path=[str(each) for each in folder.glob("lib/python*/site-packages")])
        if (found := copyleft_in(each))
    }
    refused = problems(components, carriers)
    print("\n".join(refused) or f"{len(components)} packages may be shipped.")
    return 1 if refused else 0


def problems(components: dict[str, list[str]], carriers: dict[str, list[str]]) -> list[str]:
    """Return a sentence on each package that must not be shipped as it is, or whose entry nothing needs."""
    return [
        *(
            f"{name}: {', '.join(found) or 'no licence'} is not allowed by tools/licences.py"
            for name, found in components.items()
            if name not in REASONED and not is_allowed(found)
        ),
        *(
            f"{name} carries {', '.join(found)} and has no entry in tools/licences.py"
            for name, found in carriers.items()
            if name not in REASONED
        ),
        *(
            f"{name} has an entry in tools/licences.py and is not shipped"
            for name in REASONED.keys() - components.keys()
        ),
    ]


def copyleft_in(package: Distribution) -> list[str]:
    """Return the names of the binaries of COPYLEFT that a package brings."""
    binaries = [path.name for path in package.files or () if ".so" in path.name or path.suffix in {"", ".dylib"}]
    return [name for name in binaries if COPYLEFT.search(name)]


def licences_of(component: dict[str, Any]) -> Iterator[str]:
    """Return the licences that a component of a CycloneDX bill states."""
    for entry in component.get("licenses", ()):
        if "expression" in entry:
            yield entry["expression"]
        else:
            yield (entry["license"].get("id") or entry["license"]["name"]).removeprefix(_PREFIX)


def is_allowed(licences: list[str]) -> bool:
    """Return whether all that a package states may be shipped; of alternatives (`A OR B`) one is enough."""
    return bool(licences) and all(_may_ship(licence) for licence in licences)


def _may_ship(expression: str) -> bool:
    plain = expression.replace("(", "").replace(")", "") if re.search(r"\s(OR|AND)\s", expression) else expression
    return any(all(part.strip() in ALLOWED for part in _AND.split(choice)) for choice in _OR.split(plain))


if __name__ == "__main__":
    sys.exit(main())
