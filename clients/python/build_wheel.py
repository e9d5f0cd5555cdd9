"""Build dist/lensfeed_client-*.whl: the library with the generated public contracts.

`make stubs-python` runs this after creating build/public.binpb.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PUBLIC = ROOT / "build" / "public.binpb"
STAGE = ROOT / "build" / "clients" / "python"
"""The wheel's content, arranged for setuptools."""


def generate(folder: Path) -> None:
    """Write the Python code of the public contracts, with types."""
    files = [file.name for file in FileDescriptorSet.FromString(PUBLIC.read_bytes()).file]
    ours = [name for name in files if name.startswith("lensfeed/")]
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
    outputs = [f"--{name}_out={folder}" for name in ("python", "grpc_python")]
    typed = [f"--{name}_out=quiet:{folder}" for name in ("mypy", "mypy_grpc")]
    protoc = (sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={PUBLIC}")
    subprocess.run([*protoc, *plugins, *outputs, *typed, *ours], check=True)
    for package in (folder / "lensfeed").rglob("v1"):
        (package / "py.typed").touch()


def main(wheels: Path = ROOT / "dist") -> None:
    """Gather the content and build the wheel into a folder."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(HERE / "lensfeed_client", STAGE / "lensfeed_client", ignore=shutil.ignore_patterns("__pycache__"))
    for file in (HERE / "pyproject.toml", HERE / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, STAGE)
    generate(STAGE)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, "--wheel-dir", str(wheels), str(STAGE)], check=True)


if __name__ == "__main__":
    main()
