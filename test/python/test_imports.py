"""The modules of the Python package import each other in one direction: no circle, imports for types and inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "extension" / "medr1_workbench"


def imports_of(source: str) -> set[str]:
    """Modules of the package that `from .x import y` and `from . import x` name, wherever they stand."""
    relative = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name for node in relative for name in ([node.module] if node.module else [alias.name for alias in node.names])}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {file.stem: imports_of(file.read_text()) for file in PACKAGE.glob("*.py")}
    assert "client" in graph["__init__"]
    TopologicalSorter(graph).prepare()


def test_a_circle_for_types_would_be_found() -> None:
    a = "if TYPE_CHECKING:\n    from .b import B\n"
    b = "def f():\n    from . import a\n"
    with pytest.raises(CycleError):
        TopologicalSorter({"a": imports_of(a), "b": imports_of(b)}).prepare()
