"""Three locks keep what a viewer may not see out of every answer. This file checks that they are closed.

mypy checks that presenters take only `Seen` values.
"""

import ast
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from lensfeed.options.v1 import options_pb2

from tests.architecture.source import PACKAGES, ROOT, SERVICES, modules_of
from tests.rpcs import DESCRIPTORS

MAKERS = {"meshkit/sight/gate.py", "meshkit/sight/seen.py"}


def test_only_the_gate_makes_seen_values() -> None:
    """No other file calls `Seen`, so that a presenter cannot get a value around the gate."""
    callers = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in modules_of(package)
        for call in _calls(ast.parse(file.read_text()))
        if call == "Seen"
    }
    assert callers == MAKERS


def test_the_way_around_the_gate_is_for_services() -> None:
    """`for_service` stands only in the servicers of internal methods and in events, which apps do not get."""
    inside = {
        f"{file.relative_to(ROOT)}: {name}"
        for service in SERVICES
        for file in modules_of(service)
        if file.name != "events.py"
        for name, node in _outer_names(ast.parse(file.read_text()))
        if "for_service" in _calls(node) and "Internal" not in name
    }
    assert inside == set()


def test_every_public_method_says_what_it_shows() -> None:
    """Each method that apps or the edge may call has the option `shows`."""
    silent = [
        f"{file.package}.{service.name}/{method.name}"
        for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
        if file.package.startswith("lensfeed.")
        for service in file.service
        if not service.name.endswith("InternalService")
        for method in service.method
        if not method.options.Extensions[options_pb2.shows]
    ]
    assert silent == []


def _calls(tree: ast.AST) -> set[str]:
    """Return the last names of what is called: `Seen` for `Seen(…)`, `seen.Seen(…)` and `Seen[int](…)`."""
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {name.partition("[")[0].rpartition(".")[2] for name in called}


def _outer_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the classes and functions of a module with their names; other statements have none."""
    return ((getattr(node, "name", ""), node) for node in tree.body)
