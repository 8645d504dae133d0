"""A warning for numbers that are taken and are most often a slip of the pen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from .protocol import DOUBTFUL
from .values import plain


def doubt(values: Mapping[str, Any]) -> None:
    """Warns of each such number of a configuration, or of a part of one."""
    for key, (above, why) in DOUBTFUL.items():
        value = plain(values.get(key))
        if isinstance(value, int | float) and value > above:
            warnings.warn(f"{key} is {value:g}: above {above} {why}", UserWarning, stacklevel=3)
