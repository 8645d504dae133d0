"""Paths as a notebook writes them: relative ones are of its folder, whatever folder the backend runs in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .values import plain

# Keys of a configuration that name a directory or a file.
MODEL, DATASET, REWARDS = "model_name_or_path", "dataset_name", "reward_funcs"
REWARD_ENDINGS = (".ts", ".js", ".mts", ".mjs")


def place(path: Any, *, known: Iterable[str] = ()) -> Any:
    """The whole path where `path` names something of this folder or is written as a path ("./x", "../x", "~/x"), else as it is: a
    name, or a path of the machine of the backend. `known`: names that mean something else than a folder here.
    """
    written = plain(path)
    if not isinstance(written, str) or written == "" or (not isinstance(path, os.PathLike) and written in known):
        return written
    here = Path(written).expanduser()
    marked = isinstance(path, os.PathLike) or written.startswith(("./", "../", "~"))
    return os.path.abspath(here) if marked or here.exists() else written


def whole_path(path: Any) -> Any:
    """The whole path of what has no name but its path: a model, a folder of data, a reward file. What is not there is missed here."""
    written = plain(path)
    return os.path.abspath(Path(written).expanduser()) if isinstance(written, str) and written != "" else written


def placed(config: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The configuration with the paths of its model, its data set and its reward files whole."""
    own = dict(config)
    if MODEL in own:
        own[MODEL] = whole_path(own[MODEL])
    if isinstance(own.get(REWARDS), list | tuple):
        own[REWARDS] = [whole_path(each) if _is_reward_file(each) else each for each in own[REWARDS]]
    if DATASET in own:
        own[DATASET] = place(own[DATASET], known=known)
    return own


def _is_reward_file(entry: Any) -> bool:
    return isinstance(entry, str | os.PathLike) and os.fspath(entry).endswith(REWARD_ENDINGS)
