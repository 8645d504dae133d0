"""Many runs at once: in one frame, and started over a grid of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import pandas as pd

from .run import Run
from .values import plain, texts


class Trains(Protocol):
    """What a sweep needs of a client."""

    def check(self, config: dict[str, Any] | None = None) -> dict[str, Any]: ...

    def train(self, config: dict[str, Any] | None = None, *, start: bool = True) -> Run: ...


def metrics_of(runs: Sequence[Run], names: str | Sequence[str] | None) -> pd.DataFrame:
    """A row a step of a run. A metric that only some of the runs have is NaN for the others."""
    wanted = None if names is None else texts(names, "names")
    frames = []
    for run in runs:
        whole = run.metrics()
        frame = whole if wanted is None else whole.reindex(columns=["time", *wanted])
        frame = frame.reset_index()
        frame.insert(0, "run", run.id)
        frame.insert(1, "name", run._last["name"])
        frames.append(frame)
    missing = [] if wanted is None else [name for name in wanted if all(frame[name].isna().all() for frame in frames)]
    if missing and frames:
        raise KeyError(f"none of the runs logged {', '.join(missing)}")
    empty = pd.DataFrame(columns=["run", "name", "step", "time", *(wanted or [])])
    return pd.concat(frames, ignore_index=True) if frames else empty


def table_of(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run, by its id."""
    rows = []
    for run in runs:
        detail = run.detail()
        summary = detail["summary"]
        kept = ("id", "name", "state", "trainer", "variant", "parent", "step", "total_steps", "created_at")
        config = {f"config/{key}": value for key, value in detail["config"].items()}
        last = run.metrics().drop(columns="time").ffill().tail(1).to_dict("records")
        noted = {key: summary["annotations"][key] for key in ("tags", "notes")}
        rows.append({**{key: summary[key] for key in kept}, **noted, **config, **(last[0] if last else {})})
    frame = pd.DataFrame(rows)
    if rows:
        frame["created_at"] = pd.to_datetime(frame["created_at"], unit="ms", utc=True)
        frame = frame.set_index("id")
    return frame


def sweep(client: Trains, config: Mapping[str, Any], keys: Mapping[str, Any], start: bool) -> list[Run]:
    """Checks every combination before the first run is made."""
    given = {key: plain(value, key) for key, value in keys.items()}
    varied = {key: value for key, value in given.items() if isinstance(value, list)}
    fixed = {key: value for key, value in given.items() if key not in varied}
    empty = [key for key, value in varied.items() if not value]
    if empty:
        raise ValueError(f"{empty[0]} is varied over no value")
    base = config.get("run_name")
    grid = [dict(zip(varied, values, strict=True)) for values in product(*varied.values())]
    named = [
        {
            **config,
            **fixed,
            **cell,
            "run_name": " ".join([*([str(base)] if base else []), *(f"{key}={value}" for key, value in cell.items())]) or None,
        }
        for cell in grid
    ]
    for each in named:
        client.check(each)
    return [client.train(each, start=start) for each in named]
