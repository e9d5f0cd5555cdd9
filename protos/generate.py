"""Generate the Python code of every contract, and the descriptor set that the edge and buf read.

Run by `make protos`. Each module is written next to its `.proto` and not committed. `build/lensfeed.binpb` holds the
descriptors of all contracts and their imports; `edge_proxy/lensfeed.binpb` is a copy for that package. The imports come from
installed packages: Google's files from googleapis-common-protos, and `buf/validate/validate.proto` from the descriptor in
protovalidate's wheel.
"""

import importlib.resources
import subprocess
import sys
import sysconfig
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROTOS = Path(__file__).parent
BUILD = PROTOS.parent / "build"
PACKAGED = PROTOS.parent / "edge_proxy"
# What contracts may import besides our own files, dependencies first.
ROOT_IMPORTS = (
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/any.proto",
    "google/api/http.proto",
    "google/api/annotations.proto",
    "google/api/httpbody.proto",
    # The edge needs these two to convert status details to JSON.
    "google/rpc/status.proto",
    "google/rpc/error_details.proto",
)


def protoc(*arguments: str) -> None:
    """Run the packaged protoc with the plugins of mypy-protobuf."""
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *plugins, *arguments], check=True)


def validate_proto() -> FileDescriptorProto:
    """Return the descriptor of `buf/validate/validate.proto` from protovalidate's wheel."""
    from protovalidate._gen.buf.validate import validate_pb

    return FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())


def write_imports(path: Path) -> None:
    """Write the descriptors of everything that contracts may import."""
    bundled = importlib.resources.files(grpc_tools) / "_proto"
    common = Path(sysconfig.get_path("purelib"))
    protoc(f"-I{bundled}", f"-I{common}", f"--descriptor_set_out={path}", "--include_imports", *ROOT_IMPORTS)
    imports = FileDescriptorSet.FromString(path.read_bytes())
    imports.file.append(validate_proto())
    path.write_bytes(imports.SerializeToString())


def main() -> None:
    """Generate everything."""
    BUILD.mkdir(exist_ok=True)
    imports = BUILD / "imports.binpb"
    write_imports(imports)
    ours = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "lensfeed").rglob("*.proto"))
    source = (f"--descriptor_set_in={imports}", f"-I{PROTOS}")
    out = str(PROTOS)
    protoc(
        *source,
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet:{out}",
        *ours,
    )
    protoc(
        f"--descriptor_set_in={imports}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
        "buf/validate/validate.proto",
    )
    contracts = BUILD / "contracts.binpb"
    protoc(*source, f"--descriptor_set_out={contracts}", "--include_source_info", *ours)
    merged = FileDescriptorSet.FromString(imports.read_bytes())
    merged.MergeFrom(FileDescriptorSet.FromString(contracts.read_bytes()))
    for folder in (BUILD, PACKAGED):
        folder.mkdir(exist_ok=True)
        (folder / "lensfeed.binpb").write_bytes(merged.SerializeToString())


if __name__ == "__main__":
    main()
