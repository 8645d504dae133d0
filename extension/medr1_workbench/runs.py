"""Many runs at once: in one frame, and started over a grid of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import pandas as pd

from .frames import ANY, NUMBER, TEXT, TIME, WHOLE, frame
from .run import Run
from .values import plain, texts

# Columns of every table of runs, before those of the configuration and of the metrics.
KEPT = {
    **dict.fromkeys(("id", "name", "state", "trainer", "variant", "parent"), TEXT),
    **dict.fromkeys(("step", "total_steps"), WHOLE),
    "created_at": TIME,
}
NOTED = {"tags": ANY, "notes": TEXT}


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
        logged = whole if wanted is None else whole.reindex(columns=["time", *wanted])
        logged = logged.reset_index()
        logged.insert(0, "run", pd.Series([run.id] * len(logged), dtype=TEXT))
        logged.insert(1, "name", pd.Series([run._last["name"]] * len(logged), dtype=TEXT))
        frames.append(logged)
    missing = [] if wanted is None else [name for name in wanted if all(each[name].isna().all() for each in frames)]
    if missing and frames:
        raise KeyError(f"none of the runs logged {', '.join(missing)}")
    types = {"run": TEXT, "name": TEXT, "step": WHOLE, "time": TIME, **dict.fromkeys(wanted or [], NUMBER)}
    return pd.concat(frames, ignore_index=True) if frames else frame([], types)


def table_of(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run, by its id."""
    rows = []
    for run in runs:
        detail = run.detail()
        summary = detail["summary"]
        config = {f"config/{key}": value for key, value in detail["config"].items()}
        last = run.metrics().drop(columns="time").ffill().tail(1).to_dict("records")
        noted = {key: summary["annotations"][key] for key in NOTED}
        rows.append({**{key: summary[key] for key in KEPT}, **noted, **config, **(last[0] if last else {})})
    types = {**KEPT, **NOTED}
    others = [{key: value for key, value in row.items() if key not in types} for row in rows]
    return pd.concat([frame(rows, types), pd.DataFrame(others)], axis="columns").set_index("id")


def sweep(client: Trains, config: Mapping[str, Any], keys: Mapping[str, Any], start: bool) -> list[Run]:
    """Checks every combination before the first run is made."""
    given = {key: plain(value, key) for key, value in keys.items()}
    varied = {key: value for key, value in given.items() if isinstance(value, list)}
    fixed = {key: value for key, value in given.items() if key not in varied}
    empty = [key for key, value in varied.items() if not value]
    if empty:
        raise ValueError(f"{empty[0]} has an empty list of values")
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
