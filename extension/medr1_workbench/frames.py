"""DataFrames whose columns have the same types whatever the rows are, and where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

# Text, None for what is missing: pandas 3 has a type for it, earlier ones keep objects.
TEXT = "str" if int(pd.__version__.split(".")[0]) >= 3 else "object"
WHOLE = "int64"
# With <NA> for what is missing.
WHOLE_OR_NONE = "Int64"
NUMBER = "float64"
TRUTH = "boolean"
# Lists and dicts.
ANY = "object"
# Of milliseconds since 1970.
TIME = "datetime64[ms, UTC]"

Columns = Mapping[str, str]


def frame(rows: Sequence[Mapping[str, Any]], types: Columns) -> pd.DataFrame:
    """A row a mapping, a column a name of `types`, in its order; what a mapping lacks is missing, what it has beside them is left out."""
    return frame_of({name: [row.get(name) for row in rows] for name in types}, types)


def frame_of(columns: Mapping[str, Sequence[Any]], types: Columns) -> pd.DataFrame:
    """The same from columns."""
    return pd.DataFrame({name: _column(columns.get(name, ()), kind) for name, kind in types.items()})


def _column(values: Sequence[Any], kind: str) -> pd.Series:
    return times(values) if kind == TIME else pd.Series(values, dtype=kind)


def times(milliseconds: Sequence[float | None]) -> pd.Series:
    """Moments from milliseconds since 1970."""
    return pd.to_datetime(pd.Series(milliseconds, dtype="float64"), unit="ms", utc=True).astype(TIME)
