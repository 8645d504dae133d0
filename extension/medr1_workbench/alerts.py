"""Alerts from a notebook: what the rules see, their thresholds, and rules in Python that are evaluated here."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import pandas as pd

from .errors import WorkbenchError
from .frames import ANY, TEXT, TRUTH, WHOLE, frame

ALERT_COLUMNS = {
    **dict.fromkeys(("rule", "level"), TEXT),
    **dict.fromkeys(("since", "last"), WHOLE),
    "on": TRUTH,
    **dict.fromkeys(("title", "seen", "why"), TEXT),
    "remedies": ANY,
    "snoozed": TRUTH,
    **dict.fromkeys(("metrics", "evidence"), ANY),
}
ALERT_RULES = {
    **dict.fromkeys(("id", "title", "level"), TEXT),
    "metrics": ANY,
    "window": WHOLE,
    "thresholds": ANY,
    **dict.fromkeys(("why", "source"), TEXT),
    "off": TRUTH,
}
LOOK_EVERY_S = 2.0

# False, None or "" where nothing is seen, else the text to tell; True tells the rule's name.
Rule = Callable[[pd.DataFrame], Any]


def alert_frame(alerts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row an alert, in the order of steps."""
    return frame(alerts, ALERT_COLUMNS)


class AlertSettings(TypedDict, total=False):
    """What Client.set_alerts() changes."""

    thresholds: Mapping[str, Mapping[str, float] | None]
    rules: Mapping[str, str | None]
    off: Sequence[str]
    webhook: str | None


def changed(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sends: thresholds and rules by name beside those that are there, None takes one away; the rest as given."""
    body: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("thresholds", "rules", "snoozed") and value is not None:
            merged = dict(settings.get(key, {}))
            for name, one in value.items():
                if one is None and key != "snoozed":
                    merged.pop(name, None)
                else:
                    merged[name] = {**merged.get(name, {}), **one} if key == "thresholds" else one
            body[key] = merged
        else:
            body[key] = value
    return body


class Watch:
    """A rule in Python that looks at a run after each new step, in a thread of its own. Calling it stops it.

    It is evaluated here and not over the kernel's channel for rewards: a reward that does not answer pauses the run, and an alert holds
    none up.
    """

    def __init__(
        self, name: str, rule: Rule, metrics: Callable[[], pd.DataFrame], tell: Callable[[str, int], None], ended: Callable[[], bool]
    ) -> None:
        self.name = name
        self._rule = rule
        self._metrics = metrics
        self._tell = tell
        self._ended = ended
        self._step = 0
        self._seen = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"medr1 alert {name}", daemon=True)
        self._thread.start()

    def __call__(self) -> None:
        """Stops it."""
        self._stop.set()

    def __repr__(self) -> str:
        state = "stopped" if not self._thread.is_alive() else f"looked at {self._step} steps"
        return f"<alert rule {self.name!r}: {state}; call it to stop it>"

    def join(self, timeout: float | None = None) -> None:
        """Until the run has ended or the rule was stopped."""
        self._thread.join(timeout)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                ended = self._ended()  # asked before the metrics: after an ended run's last step comes nothing
                self._look(self._metrics())
            except WorkbenchError:
                ended = False  # not reached: again at the next look
            except Exception as error:
                warnings.warn(f"the alert rule {self.name!r} stopped: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2)
                return
            if ended:
                return
            self._stop.wait(LOOK_EVERY_S)

    def _look(self, table: pd.DataFrame) -> None:
        """Once for every step since the last look, so that a late look sees what a timely one would have seen."""
        for step in table.index[table.index > self._step]:
            said = self._rule(table.loc[:step])
            if said and not self._seen:
                self._tell(said if isinstance(said, str) else f"{self.name}.", int(step))
            self._seen = bool(said)
            self._step = int(step)
