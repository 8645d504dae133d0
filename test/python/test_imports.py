"""The modules of the Python package import each other in one direction: no circle, imports for types and inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "extension" / "medr1_workbench"


def imports_of(source: str, package: tuple[str, ...] = ()) -> set[str]:
    """Modules that `from .x import y` and `from . import x` name, wherever they stand. `package`: the folders that the source lies in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            above = package[: len(package) - node.level + 1]
            found |= {".".join((*above, name)) for name in ([node.module] if node.module else [alias.name for alias in node.names])}
    return found


def graph_of(package: Path) -> dict[str, set[str]]:
    """What each module imports; a folder goes by the name of its __init__."""
    graph: dict[str, set[str]] = {}
    for file in package.rglob("*.py"):
        folder = file.relative_to(package).parts[:-1]
        name = ".".join(folder if file.stem == "__init__" and folder else (*folder, file.stem))
        graph[name] = imports_of(file.read_text(), folder)
    return graph


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = graph_of(PACKAGE)
    assert "client" in graph["__init__"]
    assert {"ask", "cells.outbox"} <= graph["cells.feed"]
    TopologicalSorter(graph).prepare()


def test_a_circle_for_types_would_be_found() -> None:
    a = "if TYPE_CHECKING:\n    from .b import B\n"
    b = "def f():\n    from . import a\n"
    with pytest.raises(CycleError):
        TopologicalSorter({"a": imports_of(a), "b": imports_of(b)}).prepare()
