"""What runs, evaluations and data sets need of the client that made them."""

from __future__ import annotations

from typing import Any, Protocol

from .ask import Asks
from .kernel import RewardHost


class Requests(Asks, Protocol):
    """A client, seen from what it made."""

    @property
    def reward_host(self) -> RewardHost:
        """What serves functions of this Python to the backend."""
        ...

    def view(self) -> dict[str, Any]:
        """What the browser looks at."""
        ...

    def move_view(self, *, selection: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> dict[str, Any]:
        """Moves what the browser looks at."""
        ...


class IndexedData(Protocol):
    """A data set, as a configuration names one."""

    @property
    def name(self) -> str: ...
