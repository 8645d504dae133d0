"""Med-R1 Workbench in Python: `connect()` for notebooks, and the Jupyter server extension that starts the backend.

    import medr1_workbench as wb

    wb.dataset("omnimedvqa", modality="X-Ray").rows()   # the backend of this Jupyter server
    wb.selection                                         # what is selected in the browser; assign to move it
    c = wb.connect()                                     # the same backend as an object, or another one

The server side is imported when Jupyter asks for it, so that `import medr1_workbench` in a kernel stays light.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache, wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from .cells import LiveGroup, LiveRuns
from .client import Client, connect
from .connection import ENV
from .dataset import Dataset
from .errors import WorkbenchError
from .evaluation import Comparison, Evaluation
from .generation import Generation
from .group import Group
from .kernel import conversational, tested
from .rewards import cosine, linear, stepped
from .run import Run
from .signatures import without_first
from .view import Selection

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Client",
    "Comparison",
    "Dataset",
    "Evaluation",
    "Generation",
    "Group",
    "Run",
    "Selection",
    "WorkbenchError",
    "compare",
    "connect",
    "conversational",
    "cosine",
    "dataset",
    "generate",
    "linear",
    "show",
    "stepped",
    "tested",
]
__version__ = "0.1.0"

Given = ParamSpec("Given")
Made = TypeVar("Made")


@cache
def _connected(_file: str | None) -> Client:
    return connect()


def here() -> Client:
    """The backend of this Jupyter server; connected once."""
    return _connected(os.environ.get(ENV))


def _of_here(method: Callable[Concatenate[Client, Given], Made]) -> Callable[Given, Made]:
    """A method of the client as a function over the backend of this Jupyter server."""

    @wraps(method)
    def call(*args: Given.args, **keywords: Given.kwargs) -> Made:
        return method(here(), *args, **keywords)

    call.__signature__ = without_first(method)  # type: ignore[attr-defined]
    return call


dataset = _of_here(Client.dataset)
generate = _of_here(Client.generate)


@overload
def compare(first: Run, second: Run, *others: Run) -> LiveRuns: ...


@overload
def compare(first: Evaluation, second: Evaluation | Run, *others: Evaluation | Run) -> Comparison: ...


@overload
def compare(first: Run, second: Evaluation, *others: Evaluation | Run) -> Comparison: ...


def compare(first: Run | Evaluation, second: Run | Evaluation, *others: Run | Evaluation) -> LiveRuns | Comparison:
    """Two to four runs side by side in a cell, live: their curves over the same steps, and what each said to the same question. Evaluations
    are compared as Client.compare() does.
    """
    given = (first, second, *others)
    if all(isinstance(each, Run) for each in given):
        return LiveRuns(first._client, [each.id for each in given])
    return first._client.compare(*given)


@overload
def show(rollout: Generation, *, run: Run | str | None = None) -> Generation: ...


@overload
def show(rollout: Group | Mapping[str, Any] | pd.Series[Any], *, run: Run | str | None = None) -> LiveGroup: ...


def show(rollout: Group | Generation | Mapping[str, Any] | pd.Series[Any], *, run: Run | str | None = None) -> Generation | LiveGroup:
    """Rollouts in a cell, with image, think and answer: a group (Run.group), or one completion of it: a row of Run.rollouts(), with the
    `run` that it is of.
    """
    if isinstance(rollout, Group):
        return rollout.live()
    if isinstance(rollout, Generation):
        return rollout
    whose = run if isinstance(run, Run) or run is None else here().run(run)
    if whose is None:
        raise TypeError("show(row, run=...): a row of rollouts does not say of which run it is")
    return whose.group(int(rollout["step"]), int(rollout["group"])).live(int(rollout["index"]))


if TYPE_CHECKING:
    # A property of _Module, which type checkers do not know of; parts as a dict can be assigned.
    selection: Selection | Any


class _Module(ModuleType):
    """A module has no settable properties by itself, and lists what it imports as if it offered that."""

    def __dir__(self) -> list[str]:
        return [*__all__, "here", "selection", "__version__", "__doc__"]

    @property
    def selection(self) -> Selection:
        return here().selection

    @selection.setter
    def selection(self, parts: dict[str, Any]) -> None:
        here().selection = parts


sys.modules[__name__].__class__ = _Module


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@medr1/workbench"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .app import MedR1Workbench

    return [{"module": "medr1_workbench", "app": MedR1Workbench}]
