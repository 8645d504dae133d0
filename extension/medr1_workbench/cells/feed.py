"""One run as a page is told it: its log read from the server, cut into parts for the outbox.

The log has dense sequence numbers, so that a feed which was away (the kernel computed for half a minute, the backend was started anew)
reads on where it was and nothing is missing. A log that was rewritten (another epoch) is told from its start.
"""

from __future__ import annotations

import base64
import fnmatch
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..ask import Asks, ask
from ..errors import WorkbenchError
from ..protocol import ENDED_STATES
from .outbox import Outbox, size_of

# Metrics that a page gets when nobody names others; shell patterns.
METRICS = (
    "reward",
    "reward_std",
    "rewards/*/mean",
    "kl",
    "completions/mean_length",
    "eval_accuracy",
    "eval_reward",
)
# Of a run without rewards.
SFT_METRICS = ("loss", "mean_token_accuracy", "grad_norm", "learning_rate", "eval_loss", "eval_accuracy")
# A curve is this many points at first: about the pixels of a cell. What comes later is told whole.
POINTS = 400
EVENTS_A_PAGE = 500
MOST_METRICS = 24
# Between two looks at the log, while the run moves and while it does not.
ACTIVE_S = 0.5
STILL_S = 10.0
# Between two groups of rollouts that are read because a step was made.
GROUP_S = 1.0
# What a part of text may take, so that a group fits a message with room to spare.
PART_BYTES = 40_000
IMAGE_BYTES = 45_000
SIZES = (320, 224, 160, 96, 48)
MARKS = frozenset({"alert", "state"})
MOST_MARKS = 60


class RunFeed:
    """Reads one run. `poll` asks the server what is new and puts it into the outbox; `again` tells a page that has nothing everything."""

    def __init__(self, client: Asks, run: str, outbox: Outbox, metrics: Sequence[str] | None = None) -> None:
        self.run = run
        self._client = client
        self._outbox = outbox
        self._metrics = metrics
        self._wanted: list[re.Pattern[str]] = []
        self._epoch: str | None = None
        self._seq = 0
        self._due = 0.0
        self._group_due = 0.0
        #: Which group the page looks at: (step, group), step None for the newest; None where it looks at none.
        self._look: tuple[int | None, int] | None = None
        self._looked: tuple[str, int, int] | None = None
        self._sampled = 0
        self._images: set[str] = set()
        self.summary: dict[str, Any] | None = None
        self.series: dict[int, dict[str, float | None]] = {}
        self.edits: list[int] = []

    @property
    def ended(self) -> bool:
        """Nothing more comes unless somebody takes the run up again."""
        return self.summary is not None and self.summary["state"] in ENDED_STATES

    def _ask(self, route: str, **given: Any) -> Any:
        return ask(self._client, route, self.run, **given)

    # What the page asks for

    def again(self) -> None:
        """The page is new: it is told everything."""
        self._epoch = None
        self._due = 0.0
        self._images.clear()
        self._looked = None

    def hurry(self) -> None:
        """Something was done to the run: look at once."""
        self._due = 0.0

    def look(self, step: int | None, group: int) -> None:
        self._look = (step, group)
        self._looked = None
        self._due = self._group_due = 0.0

    def look_away(self) -> None:
        self._look = None

    # What the server says

    def poll(self, now: float) -> bool:
        """Reads what is new, where it is time to. True where the run has changed. Raises WorkbenchError when the backend is away."""
        if now < self._due:
            return False
        self._due = now + (STILL_S if self.ended else ACTIVE_S)
        changed = self._read_log() if self._epoch is not None else self._read_all()
        self._read_group(now)
        return changed

    def _read_all(self) -> bool:
        """Everything up to now, curves thinned out; the log goes on from there."""
        detail = self._ask("run")
        wanted = self._metrics or (SFT_METRICS if detail["summary"]["trainer"] == "sft" else METRICS)
        self._wanted = [re.compile(fnmatch.translate(each)) for each in wanted]
        names = self._names(detail["metric_names"])
        table = self._ask("metrics", names=names or ["reward"], max_points=POINTS)
        self.series = {
            step: {name: table["metrics"][name][at] for name in names if name in table["metrics"]} for at, step in enumerate(table["step"])
        }
        marks = self._ask("events", kinds=sorted(MARKS), limit=10_000)
        self._epoch, self._seq = table["epoch"], table["seq"]
        if marks["epoch"] != self._epoch:  # rolled back in between
            self._epoch = None
            self._due = 0.0
            return False
        self._sampled = detail["summary"]["step"]
        self._outbox.put((self.run, "reset"), {"part": "reset", "run": self.run})
        self._tell(detail)
        self._put_marks([event for event in marks["events"] if event["seq"] <= self._seq and worth_a_mark(event)][-MOST_MARKS:])
        self._put_points(self.series)
        return True

    def _read_log(self) -> bool:
        """What came since. Events are few: a step each, and what people did."""
        events: list[dict[str, Any]] = []
        while True:
            page = self._ask("events", since=self._seq, limit=EVENTS_A_PAGE)
            if page["epoch"] != self._epoch:
                return self._read_all()
            events += page["events"]
            if page["events"]:
                self._seq = page["events"][-1]["seq"]
            if len(page["events"]) < EVENTS_A_PAGE:
                break
        if not events:
            return False
        points: dict[int, dict[str, float | None]] = {}
        for event in events:
            if event["kind"] in ("step", "evaluation"):
                found = {name: event["metrics"][name] for name in self._names(event["metrics"])}
                points.setdefault(event["step"], {}).update(found)
            if event["kind"] == "step" and event["groups"] > 0:
                self._sampled = event["step"]
        for step, values in points.items():
            self.series.setdefault(step, {}).update(values)
        self._tell(self._ask("run"))
        self._put_marks([event for event in events if event["kind"] in MARKS and worth_a_mark(event)])
        self._put_points(points)
        return True

    def _names(self, names: Sequence[str] | Mapping[str, Any]) -> list[str]:
        """Those that the page draws, in the order in which they were asked for."""
        found = [name for wanted in self._wanted for name in sorted(names) if wanted.match(name)]
        return list(dict.fromkeys(found))[:MOST_METRICS]

    def _tell(self, detail: dict[str, Any]) -> None:
        self.summary = {key: value for key, value in detail["summary"].items() if key not in ("recent_reward", "annotations")}
        self.edits = [each["step"] for each in detail["rewards"][1:] if each["step"] is not None]
        part = {
            "part": "run",
            "run": self.run,
            "summary": self.summary,
            "reading": detail["reading"],
            "rewards": [without_sources(revision) for revision in detail["rewards"]],
            "checkpoints": detail["checkpoints"][-MOST_MARKS:],
        }
        while size_of(part) > PART_BYTES and len(part["rewards"]) > 2:
            part["rewards"] = part["rewards"][len(part["rewards"]) // 2 :]
        self._outbox.put((self.run, "run"), part)

    def _put_marks(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self._outbox.put((self.run, "event", event["seq"]), {"part": "event", "run": self.run, "event": cut(event, 4000)})

    def _put_points(self, points: Mapping[int, Mapping[str, float | None]]) -> None:
        """Columns, in pieces that a message can hold; each piece is a part of its own and none replaces another."""
        steps = sorted(points)
        at = 0
        size = len(steps)
        while at < len(steps):
            taken = steps[at : at + size]
            names = list(dict.fromkeys(name for step in taken for name in points[step]))
            columns = {name: [short(points[step].get(name)) for step in taken] for name in names}
            part = {"part": "points", "run": self.run, "epoch": self._epoch, "step": taken, "metrics": columns}
            if size_of(part) > PART_BYTES and size > 1:
                size = max(1, size // 2)
                continue
            self._outbox.put((self.run, "points", self._seq, taken[0]), part)
            at += size

    def _read_group(self, now: float) -> None:
        """The rollouts that the page looks at, when it looks at others than were told or a step was made."""
        if self._look is None or self.summary is None or now < self._group_due:
            return
        step, group = self._look
        wanted = (str(self._epoch), self._sampled if step is None else step, group)
        if wanted == self._looked or wanted[1] < 1:
            return
        self._looked = wanted
        self._group_due = now + GROUP_S
        answer = self._ask("groups", step=wanted[1], limit=1, offset=group)
        found = answer["groups"]
        part = group_part(found[0] if found else None, self.run, wanted[1], group, answer["steps"])
        self._outbox.put((self.run, "group"), part)
        path = part["group"]["image"] if part["group"] else None
        if path and path not in self._images:
            self._images.add(path)
            self._outbox.put((self.run, "image", path), image_part(self._client, self.run, path, "image", self.run))


def worth_a_mark(event: Mapping[str, Any]) -> bool:
    return event["kind"] == "alert" or event.get("state") in ("paused", "interrupted")


def without_sources(revision: Mapping[str, Any]) -> dict[str, Any]:
    """A revision with the hash of each function in place of its text: a page says that it changed, not how."""
    sources = {name: {"sha256": source["sha256"], "runtime": source.get("runtime")} for name, source in revision["sources"].items()}
    return {**revision, "sources": sources, "reason": cut(revision["reason"], 1000)}


# What is kept of each completion; token ids and log-probabilities stay behind.
KEPT = ("index", "text", "finish_reason", "rewards", "reward", "advantage", "prediction", "correct")
QUESTION = ("step", "group", "item_id", "image", "question", "options", "answer", "modality", "question_type", "reading", "prompt")


def group_part(group: Mapping[str, Any] | None, run: str, step: int, at: int, steps: Sequence[int]) -> dict[str, Any]:
    """The rollouts of one question, cut until they fit."""
    head = {"part": "group", "run": run, "step": step, "at": at, "steps": list(steps)}
    if group is None:
        return {**head, "group": None}
    for longest in (8000, 2000, 500, 120):
        whole = {key: cut(group[key], longest) for key in QUESTION}
        whole["completions"] = [_completion(one, longest) for one in group["completions"][:64]]
        if size_of(whole) <= PART_BYTES:
            break
    else:
        whole["completions"] = whole["completions"][:16]
    return {**head, "group": whole}


def _completion(one: Mapping[str, Any], longest: int) -> dict[str, Any]:
    return {**{key: cut(one[key], longest) for key in KEPT}, "tokens": len(one["token_ids"])}


def image_part(client: Any, of: str, path: str, route: str, *parts: str) -> dict[str, Any]:
    """An image as an address of its data, as large as a message can hold; none, with the reason, where it cannot be read. `route`, filled
    with `parts`, gives it; one without a path in it is asked by the image's path.
    """
    head = {"part": "image", "of": of, "path": path}
    try:
        for size in SIZES:
            kind, data = client.picture(route, *parts, size=size, **({} if route == "data.thumb" else {"path": path}))
            url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
            if len(url) <= IMAGE_BYTES:
                return {**head, "url": url}
    except WorkbenchError as error:
        return {**head, "url": None, "error": cut(error.message, 500)}
    return {**head, "url": None, "error": "The image is too large to be shown in a cell."}


def cut(value: Any, longest: int = sys.maxsize) -> Any:
    """Texts in a value, at any depth, no longer than that; what is left out is counted. Halves of letters, which no file holds, are ?."""
    if isinstance(value, str):
        clean = value.encode("utf-8", "replace").decode()
        return clean if len(clean) <= longest else f"{clean[:longest]} … ({len(clean) - longest:,} characters more)"
    if isinstance(value, Mapping):
        return {key: cut(each, longest) for key, each in value.items()}
    if isinstance(value, list):
        return [cut(each, longest) for each in value]
    return value


def short(value: float | None) -> float | None:
    """Six digits are more than a pixel shows. None where it is not a number that can be drawn."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
