"""One run, seen from a notebook: its metrics and rollouts as pandas DataFrames, its rewards, and what can be done to it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import Any

import pandas as pd

from .backend import PATIENT, Requests
from .errors import WorkbenchError
from .rewards import reward_files
from .values import part, seconds, texts

ACTIVE = {"queued", "starting", "running", "pausing", "stopping"}
POLL_S = 0.5
TAKEN_UP_S = 10
GROUPS_A_PAGE = 64
EVENTS_A_PAGE = 500


class Run:
    """Made by Client.train(), Client.run() or Client.runs()."""

    HTML_HEAD = "<tr><th>Run</th><th>Name</th><th>State</th><th>Step</th><th>Reward</th></tr>"

    def __init__(self, client: Requests, summary: dict[str, Any]) -> None:
        self._client = client
        self.id: str = summary["id"]
        self._last = summary

    def _request(self, method: str, path: str = "", body: Any = None, **query: Any) -> Any:
        return self._client.request(method, f"/runs/{part(self.id)}{path}", body, **query)

    def _in_json(self) -> str:
        return self.id

    # What it is

    def detail(self) -> dict[str, Any]:
        """Summary, whole configuration, checkpoints, reward revisions, metric names, directory."""
        return self._request("GET")

    def summary(self) -> dict[str, Any]:
        """State, step, last reward, speed, time left, as they are now."""
        self._last = self.detail()["summary"]
        return self._last

    @property
    def state(self) -> str:
        return self.summary()["state"]

    @property
    def config(self) -> dict[str, Any]:
        return self.detail()["config"]

    # What it logged

    def metrics(self, names: list[str] | None = None, *, first: int | None = None, last: int | None = None) -> pd.DataFrame:
        """One row a step, one column a metric by TRL's name, and `time`; NaN where a step logged none."""
        query = {"names": None if names is None else texts(names, "names"), "from": first, "to": last}
        table = self._request("GET", "/metrics", **query)
        frame = pd.DataFrame(table["metrics"], index=pd.Index(table["step"], name="step"), dtype="float64")
        frame.insert(0, "time", pd.to_datetime(table["time"], unit="ms", utc=True))
        return frame

    def rollouts(self, step: int | None = None, *, first: int | None = None, last: int | None = None, tokens: bool = False) -> pd.DataFrame:
        """One row a completion, of one step, of steps `first` to `last`, or of the last step; each reward is a column `reward/<name>`.

        `sampled_by` names the run that sampled a step which a fork took over; None for the run's own.

        `tokens` adds what is stored of each token, as columns of lists: token_ids, logprobs, entropy, kl, ratio, clipped; None where a step
        has none (docs/api.md says of which update they are).
        """
        if step is None and first is None and last is None:
            step = self.summary()["step"]
        query = {"step": step, "from": first, "to": last}
        inherited = self._last.get("inherited", [])
        rows: list[dict[str, Any]] = []
        for offset in range(0, 1 << 31, GROUPS_A_PAGE):
            groups = self._request("GET", "/groups", limit=GROUPS_A_PAGE, offset=offset, **query)["groups"]
            rows += [
                _row(group, completion, tokens) | _sampler(group["step"], inherited)
                for group in groups
                for completion in group["completions"]
            ]
            if len(groups) < GROUPS_A_PAGE:
                break
        return pd.DataFrame(rows, columns=None if rows else ["step", "group", "index", "question", "text", "reward", "advantage"])

    def events(self, *, since: int = 0, follow: bool = False) -> Iterator[dict[str, Any]]:
        """The run's log, oldest first; `follow` goes on until the run has ended. After a rollback the new log is told from its start."""
        epoch = None
        while True:
            # Asked before the page: what comes after an ended run's last page is nothing.
            ended = self.summary()["state"] not in ACTIVE | {"paused"}
            page = self._request("GET", "/events", since=since, limit=EVENTS_A_PAGE)
            if epoch not in (None, page["epoch"]):
                epoch, since = page["epoch"], 0
                continue
            epoch = page["epoch"]
            for event in page["events"]:
                since = event["seq"]
                yield event
            if len(page["events"]) == EVENTS_A_PAGE:
                continue
            if not follow or ended:
                return
            time.sleep(POLL_S)

    def log(self, tail: int = 100) -> str:
        """Last lines of the worker's log."""
        return "\n".join(self._request("GET", "/log", tail=tail)["lines"])

    # What can be done to it

    def reward_weights(self) -> dict[str, float]:
        """Weights in force from the next step."""
        return self._revisions()[-1]["weights"]

    def set_reward_weights(self, weights: dict[str, float] | None = None, *, reason: str = "", **by_name: float) -> dict[str, Any]:
        """Changes weights from the next step on; those left out keep theirs. Returns the stored revision."""
        body = {
            "weights": {**(weights or {}), **by_name},
            "reason": reason,
            "author": "notebook",
            "base_revision": self._revisions()[-1]["revision"],
            "request_id": uuid.uuid4().hex,
        }
        return self._request("PATCH", "/rewards", body)

    def set_rewards(
        self,
        files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, str] = (),
        *,
        remove: Sequence[str] = (),
        reason: str = "",
        **weights: float,
    ) -> dict[str, Any]:
        """Reward functions from the next step on. `files`: paths of TypeScript or JavaScript files to add or to replace, or their
        sources by file name ({"my_reward.ts": "export default ..."}); `weights` by name, where a built-in function that the run has not
        is added; `remove`: functions to leave out. Returns the stored revision.
        """
        body = {
            "weights": weights,
            "files": reward_files(files),
            "remove": list(remove),
            "reason": reason,
            "author": "notebook",
            "base_revision": self._revisions()[-1]["revision"],
            "request_id": uuid.uuid4().hex,
        }
        return self._request("PATCH", "/rewards", body, timeout=PATIENT)

    def try_rewards(
        self, files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, str], *, steps: int = 20
    ) -> pd.DataFrame:
        """What these functions give for the rollouts of the last steps; one row a function, changes nothing."""
        body = {"files": reward_files(files), "steps": steps}
        return pd.DataFrame(self._request("POST", "/rewards/try", body, timeout=PATIENT)["reports"]).set_index("name")

    def _revisions(self) -> list[dict[str, Any]]:
        return sorted(self._request("GET", "/rewards")["revisions"], key=lambda revision: revision["revision"])

    def start(self) -> Run:
        return self._act("start")

    def pause(self) -> Run:
        return self._act("pause")

    def resume(self) -> Run:
        """Returns once the run no longer stands still, so that `wait` does not take it for paused."""
        self._act("resume")
        end = time.monotonic() + TAKEN_UP_S
        while self.summary()["state"] == "paused" and time.monotonic() < end:
            time.sleep(0.05)
        return self

    def stop(self) -> Run:
        """Stops after the step in progress, with a checkpoint."""
        return self._act("stop")

    def checkpoint(self) -> Run:
        """Writes a checkpoint after the step in progress; it is kept until the run is deleted."""
        return self._act("checkpoint")

    def _act(self, action: str) -> Run:
        self._last = self._request("POST", "/actions", {"action": action, "request_id": uuid.uuid4().hex})
        return self

    def wait(self, *, step: int | None = None, timeout: float | timedelta | None = None) -> Run:
        """Until the run has ended or stands still, or reached `step`; raises when it failed, or TimeoutError after `timeout` seconds."""
        timeout = seconds(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            now = self.summary()
            if now["state"] == "failed":
                error = now["error"] or {"code": "RUN_FAILED", "message": f"Run {self.id} failed", "remedy": "Read run.log()."}
                raise WorkbenchError(error["code"], error["message"], error["remedy"])
            if now["state"] not in ACTIVE or (step is not None and now["step"] >= step):
                return self
            if end is not None and time.monotonic() > end:
                raise TimeoutError(f"run {self.id} is {now['state']} at step {now['step']} of {now['total_steps']} after {timeout:g} s")
            time.sleep(POLL_S)

    # How it shows

    def __repr__(self) -> str:
        s = self._last
        reward = "" if s["reward"] is None else f", reward {s['reward']:.3g}"
        return f"<Run {s['id']} {s['name']!r}: {s['state']}, step {s['step']} of {s['total_steps']}{reward}>"

    def html_row(self) -> str:
        s = self._last
        reward = "" if s["reward"] is None else f"{s['reward']:.3g}"
        cells = [s["id"], s["name"], s["state"], f"{s['step']} of {s['total_steps']}", reward]
        return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"

    def _repr_html_(self) -> str:
        self.summary()
        return f"<table>{self.HTML_HEAD}{self.html_row()}</table>"


TOKEN_COLUMNS = ["token_ids", "logprobs", "entropy", "kl", "ratio", "clipped"]


def _sampler(step: int, inherited: list[dict[str, Any]]) -> dict[str, Any]:
    return {"sampled_by": next((stretch["name"] for stretch in inherited if step <= stretch["to"]), None)}


def _row(group: dict[str, Any], completion: dict[str, Any], tokens: bool) -> dict[str, Any]:
    return {
        "step": group["step"],
        "group": group["group"],
        "index": completion["index"],
        "item_id": group["item_id"],
        "modality": group["modality"],
        "question_type": group["question_type"],
        "question": group["question"],
        "options": group["options"],
        "answer": group["answer"],
        "prediction": completion["prediction"],
        "correct": completion["correct"],
        "reading": group["reading"],
        "text": completion["text"],
        "tokens": len(completion["token_ids"]),
        "finish_reason": completion["finish_reason"],
        **{f"reward/{name}": value for name, value in completion["rewards"].items()},
        "reward": completion["reward"],
        "advantage": completion["advantage"],
        "image": group["image"],
        **({name: completion[name] for name in TOKEN_COLUMNS} if tokens else {}),
    }
