"""Many runs at once: in one frame, and started over a grid of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import pandas as pd

from .frames import ANY, NUMBER, TEXT, TIME, TRUTH, WHOLE, WHOLE_OR_NONE, frame
from .names import unknown_metric
from .run import Run, known_config
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

    def check(self, config: Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    def train(self, config: Mapping[str, Any] | None = None, *, start: bool = True) -> Run: ...


def metrics_of(runs: Sequence[Run], names: str | Sequence[str] | None) -> pd.DataFrame:
    """A row a step of a run. A metric that only some of the runs have is NaN for the others."""
    wanted = None if names is None else texts(names, "names")
    logs = [run.metrics() for run in runs]
    known = sorted({name for log in logs for name in log.columns} - {"time"})
    for name in wanted or []:
        if logs and name not in known:
            raise unknown_metric(name, known, "these runs", "c.metrics().columns")
    frames = []
    for run, whole in zip(runs, logs, strict=True):
        logged = whole if wanted is None else whole.reindex(columns=["time", *wanted])
        logged = logged.reset_index()
        logged.insert(0, "run", pd.Series([run.id] * len(logged), dtype=TEXT))
        logged.insert(1, "name", pd.Series([run._last["name"]] * len(logged), dtype=TEXT))
        frames.append(logged)
    types = {"run": TEXT, "name": TEXT, "step": WHOLE, "time": TIME, **dict.fromkeys(wanted or [], NUMBER)}
    return pd.concat(frames, ignore_index=True) if frames else frame([], types)


def table_of(runs: Sequence[Run], schema: Mapping[str, Any]) -> pd.DataFrame:
    """A row a run, by its id. `schema` of a configuration gives the types of its columns."""
    rows = []
    for run in runs:
        detail = run.detail()
        summary = detail["summary"]
        config = {f"config/{key}": value for key, value in known_config(detail).items()}
        last = run.metrics().drop(columns="time").ffill().tail(1).to_dict("records")
        noted = {key: summary["annotations"][key] for key in NOTED}
        rows.append({**{key: summary[key] for key in KEPT}, **noted, **config, **(last[0] if last else {})})
    keys = {f"config/{key}": kind_of(part) for key, part in schema["properties"].items()}
    found = dict.fromkeys(key for row in rows for key in row)
    stored = {key: ANY for key in found if key.startswith("config/")}  # a run of before may have keys that are no more
    settings = {**stored, **{key: kind for key, kind in keys.items() if key in found or not rows}}
    metrics = {key: NUMBER for key in found if key not in settings and key not in KEPT and key not in NOTED}
    return frame(rows, {**KEPT, **NOTED, **settings, **metrics}).set_index("id")


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a column of values of this JSON Schema. What may be of several kinds is kept as it is."""
    parts = schema.get("anyOf", [schema])
    named = [each for part in parts for each in _listed(part.get("type", _kinds(part.get("enum", []))))]
    kinds = set(named) - {"null"}
    if kinds in ({"number"}, {"number", "integer"}):
        return NUMBER
    return {"integer": WHOLE_OR_NONE, "boolean": TRUTH, "string": TEXT}.get(next(iter(kinds)), ANY) if len(kinds) == 1 else ANY


def _listed(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _kinds(values: Sequence[Any]) -> list[str]:
    return ["string" if isinstance(value, str) else "null" if value is None else "other" for value in values] or ["other"]


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
