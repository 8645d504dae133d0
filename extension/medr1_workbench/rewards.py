"""Reward functions as a notebook gives them: files, read where it runs (the backend may run elsewhere), and functions of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import WorkbenchError
from .kernel import KeptReward, Served
from .paths import REWARD_ENDINGS
from .values import texts


def reward_files(files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, str]) -> dict[str, str]:
    """Sources by file name, of paths; a mapping is taken as it is."""
    if isinstance(files, Mapping):
        return dict(files)
    paths = [files] if isinstance(files, str | os.PathLike) else files
    return {Path(path).name: _read(Path(path)) for path in paths}


def apart(given: Any) -> tuple[Any, list[Callable[..., Any]]]:
    """Files, and functions, of what set_rewards and try_rewards take."""
    if callable(given):
        return (), [given]
    if isinstance(given, str | os.PathLike | Mapping):
        return given, []
    if not isinstance(given, Iterable):
        raise TypeError(f"{given!r} is no reward: give a path of a .ts or .js file, {{name: source}}, a function, or a list of these")
    return [each for each in given if not callable(each)], [each for each in given if callable(each)]


def functions_of_config(config: dict[str, Any]) -> tuple[dict[str, Any], list[Callable[..., Any]]]:
    """The configuration with each function of reward_funcs under the name that it is served by, my_function.py, and those functions."""
    named = config.get("reward_funcs")
    entries = [named] if callable(named) else named
    if entries is None or isinstance(entries, str):
        return config, []
    functions = [each for each in entries if callable(each)]
    if not functions:
        return config, []
    return {**config, "reward_funcs": [f"{Served(each).name}.py" if callable(each) else each for each in entries]}, functions


def linear(start: float, to: float, *, over: int | None = None, end: int | None = None, begin: int | None = None) -> dict[str, Any]:
    """A weight or parameter that moves evenly from `start` to `to`: in `over` steps, or until step `end`, from the next
    step on or from step `begin` on.
    """
    return _schedule("linear", start, to, over=over, end=end, start=begin)


def cosine(start: float, to: float, *, over: int | None = None, end: int | None = None, begin: int | None = None) -> dict[str, Any]:
    """As linear, along half a wave: slow at both ends."""
    return _schedule("cosine", start, to, over=over, end=end, start=begin)


def stepped(before: float, then: float, *, at: int) -> dict[str, Any]:
    """A weight or parameter that is `before` up to the step before `at`, and `then` from there on."""
    return _schedule("step", before, then, over=None, end=at, start=None)


def _schedule(shape: str, first: float, last: float, **steps: int | None) -> dict[str, Any]:
    return {"schedule": shape, "from": first, "to": last, **{key: value for key, value in steps.items() if value is not None}}


def weight_changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an edit that changes weights: a number holds one where it is, a mapping lets it follow the step."""
    moving = {name: dict(value) for name, value in given.items() if isinstance(value, Mapping)}
    held = {name: value for name, value in given.items() if name not in moving}
    # One that is added begins with the weight that its schedule begins with.
    weights = held | {name: value["from"] for name, value in moving.items() if "from" in value}
    return {"weights": weights, "weight_schedules": moving | {name: None for name in held}}


class RunReward(KeptReward):
    """A function of this notebook that is a reward of a run."""

    def __init__(self, served: Served, run: Any, revision: int) -> None:
        super().__init__(served)
        self.run = run
        self.revision = revision

    def remove(self, *, reason: str = "") -> dict[str, Any]:
        """Leaves it out from the next step on. Returns the stored revision."""
        return self.run.set_rewards(remove=[self.name], reason=reason)


class ComingReward(KeptReward):
    """A function of this notebook that runs to come are rewarded by."""

    def __init__(self, served: Served, weight: float, coming: dict[str, ComingReward]) -> None:
        super().__init__(served)
        self.weight = weight
        self._coming = coming

    def remove(self) -> None:
        """Runs to come do without it; those that have it keep it (RunReward.remove)."""
        if self._coming.get(self.name) is self:
            del self._coming[self.name]


def files_of_config(config: dict[str, Any]) -> dict[str, str]:
    """Sources of the reward files that a configuration names and that are here; others are left to the backend."""
    named = config.get("reward_funcs")
    entries = [] if named is None else texts(named, "reward_funcs")
    return reward_files([entry for entry in entries if entry.endswith(REWARD_ENDINGS) and Path(entry).exists()])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkbenchError(
            "REWARD_FILE", f"the reward file {path} cannot be read: {error}", "Check the path; the file is UTF-8 text."
        ) from error
