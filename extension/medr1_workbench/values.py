"""What a notebook has in its hands (numpy's and pandas' scalars and columns, paths, dates, runs, data sets) as JSON, told in one place.

    plain(df["reward"].idxmax())  ->  12
    plain(Path("model"))          ->  "model"
    plain(df["item_id"][:2])      ->  ["sample-1", "sample-2"]

Everything that goes to the backend passes here: bodies, queries, and names in a path.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd


def plain(value: Any, place: str = "") -> Any:
    """`value` as JSON has it. `place` names it in errors; a mapping's keys and a list's positions are added to it.

    NaN, NaT and pandas.NA are refused by their place: None says "left out", and a value that is missing by accident should not. A whole
    number that came as a float (a pandas column with a gap) stays a float, which is the same number in JSON. Raises TypeError for what has
    no form in JSON, ValueError for what is missing or infinite.
    """
    if hasattr(value, "_in_json"):  # a Run is its id, a Dataset its name
        return value._in_json()
    if isinstance(value, Enum):
        return plain(value.value, place)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if value is pd.NA or value is pd.NaT:
        raise ValueError(f"{place or 'the value'} is {value}: give a value, or None to leave it out")
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, np.datetime64):
        return plain(pd.Timestamp(value), place)
    if isinstance(value, np.timedelta64):
        return plain(pd.Timedelta(value), place)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal | Fraction):
        return _finite(float(value), place)
    if isinstance(value, Mapping):
        return {key_of(key): plain(each, f"{place}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, pd.Series | pd.Index):
        return _items(value, place)
    if hasattr(value, "ndim") and hasattr(value, "tolist"):  # an array of numpy, torch or jax, or one of their numbers
        return plain(value.tolist(), place)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray | memoryview | pd.DataFrame):
        return _items(value, place)
    raise TypeError(
        f"{place or 'the value'} is a {type(value).__name__}, which cannot be written as JSON: give text, a number, a list or a dict"
    )


def _items(values: Iterable[Any], place: str) -> list[Any]:
    return [plain(each, f"{place}[{index}]") for index, each in enumerate(values)]


def _finite(number: float, place: str) -> float:
    if math.isnan(number):
        raise ValueError(f"{place or 'the value'} is NaN: give a number, or None to leave it out")
    if math.isinf(number):
        raise ValueError(f"{place or 'the value'} is {number}, which cannot be written as JSON: give a finite number")
    return number


def text(value: Any, place: str = "") -> str:
    """One value as text: a whole number without a point, so that 2.0 of a pandas column with a gap is "2"."""
    value = plain(value, place)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def key_of(key: Any) -> str:
    """A mapping's key: text, a number, a path, a run."""
    return text(key, "a key")


def texts(value: Any, place: str = "") -> list[str]:
    """One value or several, as texts. A column, an array or a set is several; text is one."""
    value = plain(value, place)
    return [text(each, place) for each in (value if isinstance(value, list) else [value])]


def part(value: Any, place: str = "") -> str:
    """A name as a part of a path."""
    return quote(text(value, place), safe="")


def query(values: Mapping[str, Any]) -> dict[str, str]:
    """A query: None is left out, several values are joined by commas, true and false as JSON says them."""
    given = {key: plain(value, key) for key, value in values.items() if value is not None}
    return {key: ("true" if value else "false") if isinstance(value, bool) else ",".join(texts(value)) for key, value in given.items()}


def seconds(value: Any) -> float | None:
    """A time to wait: a number of seconds, a timedelta, or None for no limit."""
    return None if value is None else float(plain(value, "timeout"))
