"""Names that are not there, answered with those that are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

NEAR = 3
FIRST = 5


def unknown_metric(name: str, known: Sequence[str], where: str, listing: str) -> KeyError:
    """The error for `name`: the nearest names that there are, the first few of all, and the `listing` that has all of them."""
    if not known:
        return KeyError(f"no metric {name!r} in {where}: none is logged yet")
    near = alike(name, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    shown = sorted(known, key=lambda each: (each.count("/"), len(each)))[:FIRST]  # reward and loss before the parts of a step's time
    more = len(known) - len(shown)
    rest = f" and {more} more: {listing} has them all" if more > 0 else ""
    return KeyError(f"no metric {name!r} in {where}{hint} It has {', '.join(shown)}{rest}")


def alike(name: str, known: Iterable[str]) -> list[str]:
    """Those written nearly so, whatever the case, before those that have all words of it: "accuracy" is part of "rewards/accuracy/mean",
    "ct" of "CT(Computed Tomography)".
    """
    lower = {one.lower(): one for one in known}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, NEAR)]
    words = set(_words(name))
    having = [one for one in lower.values() if words and words <= set(_words(one))]
    beginning = [one for one in lower.values() if words and len(name) > 1 and one.lower().startswith(name.lower())]
    return list(dict.fromkeys([*near, *having, *beginning]))[:NEAR]


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())
