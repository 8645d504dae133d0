"""Reward files, read where the notebook runs: the backend may run elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import WorkbenchError
from .values import texts

ENDINGS = (".ts", ".js", ".mts", ".mjs")


def reward_files(files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, str]) -> dict[str, str]:
    """Sources by file name, of paths; a mapping is taken as it is."""
    if isinstance(files, Mapping):
        return dict(files)
    paths = [files] if isinstance(files, str | os.PathLike) else files
    return {Path(path).name: _read(Path(path)) for path in paths}


def files_of_config(config: dict[str, Any]) -> dict[str, str]:
    """Sources of the reward files that a configuration names and that are here; others are left to the backend."""
    named = config.get("reward_funcs")
    entries = [] if named is None else texts(named, "reward_funcs")
    return reward_files([entry for entry in entries if entry.endswith(ENDINGS) and Path(entry).exists()])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkbenchError(
            "REWARD_FILE", f"the reward file {path} cannot be read: {error}", "Check the path; the file is UTF-8 text."
        ) from error
