"""What a page has not been told yet: parts, sent in messages of at most MOST_BYTES, one every PACE_S seconds at most.

A part is a dict in JSON with a name under "part". A part that is put under the same key as one that waits replaces it, so that a page which
falls behind is told the latest and not everything; points of curves are put under keys of their own and all arrive.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable
from typing import Any

PACE_S = 0.25
MOST_BYTES = 64_000
# Room for what stands around the parts of a message, and what stands between two.
AROUND = 64
BETWEEN = ", "


class Outbox:
    """Parts in the order in which they were put. `take` gives the next message when it is due. It has no clock; threads may share it."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, tuple[dict[str, Any], int]] = {}
        self._number = 0
        self._due = 0.0
        self._lock = threading.Lock()

    def put(self, key: Hashable, part: dict[str, Any]) -> None:
        """Raises ValueError for a part that no message can hold: who makes a part cuts it."""
        size = size_of(part)
        if size > MOST_BYTES - AROUND:
            raise ValueError(f"part {part['part']} has {size} bytes, and a message at most {MOST_BYTES}")
        with self._lock:
            self._parts.pop(key, None)
            self._parts[key] = (part, size)

    def clear(self) -> None:
        with self._lock:
            self._parts.clear()

    def __len__(self) -> int:
        return len(self._parts)

    def take(self, now: float) -> dict[str, Any] | None:
        """A message {"n": number, "parts": [...]}, as full as it may be; None where nothing waits or it is too early."""
        with self._lock:
            if not self._parts or now < self._due:
                return None
            self._due = now + PACE_S
            taken: list[dict[str, Any]] = []
            room = MOST_BYTES - AROUND
            for key, (part, size) in list(self._parts.items()):
                if size + len(BETWEEN) > room and taken:
                    break
                taken.append(part)
                room -= size + len(BETWEEN)
                del self._parts[key]
            self._number += 1
            return {"n": self._number, "parts": taken}


def size_of(value: Any) -> int:
    """Bytes of a value in JSON as Jupyter writes it: UTF-8, no letter escaped, blanks after commas and colons."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
