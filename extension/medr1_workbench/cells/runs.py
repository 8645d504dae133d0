"""Runs in a cell: one, or two side by side."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..ask import Asks, ask
from ..protocol import ACTIVE_STATES
from .display import Live, figure_html
from .feed import RunFeed
from .still import Chart, charts_svg, line_of, picture, readable

# What the still shows, in this order: title, and metrics by what their names begin and end with. Others come after these.
STILLS = (
    ("Reward", "reward", ""),
    ("Rewards by function", "rewards/", "/mean"),
    ("KL to the reference", "kl", ""),
    ("Completion length", "completions/mean_length", ""),
    ("Held-out accuracy", "eval_accuracy", ""),
    ("Loss", "loss", ""),
)
MOST_STILLS = 4
QUEUED = frozenset({"queued"})
ACTIONS = frozenset({"start", "pause", "resume", "stop", "checkpoint"})


class LiveRuns(Live):
    """Made by Run.live() and compare(). `runs`: their ids; `metrics`: shell patterns of the metrics that are drawn."""

    def __init__(self, client: Asks, runs: Sequence[str], metrics: Sequence[str] | None = None) -> None:
        super().__init__()
        self._client = client
        self._feeds = {run: RunFeed(client, run, self.outbox, metrics) for run in runs}

    def view(self) -> dict[str, Any]:
        return {"kind": "runs", "runs": list(self._feeds)}

    def state(self) -> Any:
        return [feed.summary and feed.summary["state"] for feed in self._feeds.values()]

    def poll(self, now: float) -> bool:
        return any([feed.poll(now) for feed in self._feeds.values()])

    def hurry(self) -> None:
        for feed in self._feeds.values():
            feed.hurry()

    def again(self) -> None:
        for feed in self._feeds.values():
            feed.again()

    def moves(self) -> bool:
        states = {feed.summary["state"] for feed in self._feeds.values() if feed.summary}
        return len(states) == 0 or bool(states & (ACTIVE_STATES | QUEUED))

    # What a page asks for

    def acts(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {"action": self._action, "weights": self._weights, "look": self._look}

    def _action(self, asked: dict[str, Any]) -> None:
        if asked["action"] not in ACTIONS:
            raise ValueError(f"{asked['action']!r} is no action")
        feed = self._feeds[asked["run"]]
        ask(self._client, "action", feed.run, body={"action": asked["action"], "request_id": uuid.uuid4().hex})
        feed.hurry()

    def _weights(self, asked: dict[str, Any]) -> None:
        feed = self._feeds[asked["run"]]
        body = {
            "weights": {str(name): float(value) for name, value in asked["weights"].items()},
            "reason": str(asked.get("reason", "")),
            "author": "notebook",
            "base_revision": int(asked["base_revision"]),
            "request_id": uuid.uuid4().hex,
        }
        ask(self._client, "editRewards", feed.run, body=body)
        feed.hurry()

    def _look(self, asked: dict[str, Any]) -> None:
        feed = self._feeds[asked["run"]]
        if asked.get("group") is None:
            feed.look_away()
        else:
            step = asked.get("step")
            feed.look(None if step is None else int(step), max(0, int(asked["group"])))

    # The still

    def still(self) -> tuple[str, str, str]:
        for feed in self._feeds.values():
            if feed.summary is None:
                feed.poll(time.monotonic())
        summaries = [feed.summary for feed in self._feeds.values() if feed.summary is not None]
        lines = [in_words(summary) for summary in summaries]
        svg = charts_svg(self._charts(), "; ".join(lines))
        return svg, figure_html(picture(svg), "; ".join(lines), *lines), "\n".join(lines)

    def _charts(self) -> list[Chart]:
        names = {name for feed in self._feeds.values() for values in feed.series.values() for name in values}
        charts: list[Chart] = []
        others = [(name, name, "") for name in sorted(names) if not any(_fits(name, begin, end) for _, begin, end in STILLS)]
        for title, begin, end in (*STILLS, *others):
            found = sorted(name for name in names if _fits(name, begin, end))
            lines = [
                line_of(self._label(feed, name[len(begin) : -len(end)] if end else "", title), feed.series, name)
                for name in found
                for feed in self._feeds.values()
            ]
            lines = [line for line in lines if line.points]
            if lines:
                charts.append(Chart(title, lines, next(iter(self._feeds.values())).edits if len(self._feeds) == 1 else ()))
        return charts[:MOST_STILLS] or [Chart("Reward", [])]

    def _label(self, feed: RunFeed, of: str, title: str) -> str:
        who = feed.summary["name"] if feed.summary and len(self._feeds) > 1 else ""
        return " ".join(each for each in (who, of) if each) or title


def _fits(name: str, begin: str, end: str) -> bool:
    return name.startswith(begin) and name.endswith(end) if end else name == begin


def in_words(summary: Mapping[str, Any]) -> str:
    """A run in a line: name, state, step, reward."""
    reward = "" if summary["reward"] is None else f", reward {summary['reward']:.3g}"
    error = f": {summary['error']['message']}" if summary["error"] else ""
    at = f"step {summary['step']} of {summary['total_steps']}"
    return readable(f"{summary['name']} ({summary['id']}): {summary['state']}{error}, {at}{reward}")
