"""One run, seen from a notebook: its metrics and rollouts as pandas DataFrames, its rewards, and what can be done to it."""

from __future__ import annotations

import os
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from .alerts import Watch, alert_frame, changed
from .ask import ask
from .backend import PATIENT
from .cells import LiveRuns
from .cells.widget import PUMP
from .configuration import Configuration, LiveSettings, Reward
from .doubts import doubt
from .errors import WorkbenchError
from .explain import Attribution, Rollout, alternatives, asked_of, decision, order_of, target_of
from .files import write_whole
from .frames import ANY, NUMBER, TEXT, TIME, TRUTH, WHOLE, WHOLE_OR_NONE, frame, frame_of
from .group import Group
from .kernel import Served
from .names import unknown_metric
from .needs import Requests
from .protocol import ACTIVE_STATES, ENDED_STATES
from .rewards import RunReward, apart, reward_files, weight_changes
from .search import Phrases, Steps, families, phrases, question, search
from .signatures import keywords_of, of_run
from .stored import POLL_S, Glance, Stored
from .values import texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from typing_extensions import Unpack

# wait() returns there.
STANDS_STILL = ENDED_STATES | {"paused"}
TAKEN_UP_S = 10
GROUPS_A_PAGE = 64
EVENTS_A_PAGE = 500


# Paths, sources by file name, or functions.
Given = Reward | Sequence[Reward] | Mapping[str, str]


def known_config(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a run; of one that another trainer made, what its log tells of it."""
    imported = detail["summary"].get("imported")
    return {key: value for key, value in detail["config"].items() if imported is None or key in imported["keys"]}


class Run(Stored):
    """Made by Client.train(), Client.run() or Client.runs()."""

    KIND = "run"
    ROUTE = "run"
    HEADS = ("Run", "Name", "State", "Step", "Reward")

    def __init__(self, client: Requests, summary: dict[str, Any]) -> None:
        super().__init__(client, summary)
        self._stopped = False

    # What it is

    def detail(self) -> dict[str, Any]:
        """Summary, whole configuration, checkpoints, reward revisions, metric names, directory."""
        return super().detail()

    @property
    def config(self) -> dict[str, Any]:
        return known_config(self.detail())

    @property
    def imported(self) -> dict[str, Any] | None:
        """Of a run that another trainer made: the file that was read (`from`), keys of the configuration that it tells (`keys`), and what
        it did not hold (`lacks`). None for a run of the workbench.
        """
        return self.summary().get("imported")

    # What people note of it

    @property
    def name(self) -> str:
        return self.summary()["name"]

    def rename(self, name: str) -> Run:
        """Another name, at any time; `config["run_name"]` stays what the run was started with."""
        return self._annotate(name=name)

    @property
    def tags(self) -> tuple[str, ...]:
        """Assign a list to replace them all; tag() and untag() leave the others."""
        return tuple(self.summary()["annotations"]["tags"])

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self._annotate(tags=texts(tags, "tags"))

    def tag(self, *tags: str) -> Run:
        return self._annotate(add_tags=list(tags))

    def untag(self, *tags: str) -> Run:
        return self._annotate(remove_tags=list(tags))

    @property
    def notes(self) -> str:
        return self.summary()["annotations"]["notes"]

    @notes.setter
    def notes(self, notes: str) -> None:
        self._annotate(notes=notes)

    def pin(self, pinned: bool = True) -> Run:
        """Shown before the others; pin(False) takes it back."""
        return self._annotate(pinned=pinned)

    def archive(self, archived: bool = True) -> Run:
        """Left out of the lists in JupyterLab; nothing is removed, and archive(False) takes it back."""
        return self._annotate(archived=archived)

    def _annotate(self, **change: Any) -> Run:
        self._last = self._ask("annotateRun", body={**change, "request_id": uuid.uuid4().hex})
        return self

    # What it logged

    def metrics(self, names: str | Sequence[str] | None = None, *, first: int | None = None, last: int | None = None) -> pd.DataFrame:
        """One row a step, one column a metric by TRL's name, and `time`; NaN where a step logged none, or NaN.
        `names`: one name or several; KeyError names one that the run has not.
        """
        wanted = None if names is None else texts(names, "names")
        if wanted is not None:
            known = self.detail()["metric_names"]
            for name in wanted:
                if name not in known:
                    raise unknown_metric(name, known, f"run {self.id}", "run.metrics().columns")
        table = self._ask("metrics", **{"names": wanted, "from": first, "to": last})
        logged = frame_of({"time": table["time"], **table["metrics"]}, {"time": TIME, **dict.fromkeys(table["metrics"], NUMBER)})
        logged = logged.set_axis(pd.Index(table["step"], name="step", dtype=WHOLE))
        for name, special in table.get("non_finite", {}).items():
            for step, word in special:
                logged.loc[step, name] = float(word)
        return logged

    def rollouts(self, step: int | None = None, *, first: int | None = None, last: int | None = None, tokens: bool = False) -> pd.DataFrame:
        """One row a completion, of one step, of steps `first` to `last`, or of the last step that sampled (with num_iterations above 1 the
        steps between use rollouts again); each reward is a column `reward/<name>`. The columns are the same where there are no rows.

        `sampled_by` names the run that sampled a step which a fork took over; None for the run's own.

        `tokens` adds what is stored of each token, as columns of lists: token_ids, logprobs, entropy, kl, ratio, clipped; None where a step
        has none. Entropy and KL are those of the first update on the rollouts, ratio and clipped those of the last.
        """
        if step is not None and not (first is None and last is None):
            raise TypeError("give step, or first and last, not both")
        if step is None and first is None and last is None:
            step = self._last_sampled()
        query = {"step": step, "from": first, "to": last}
        inherited = self._last.get("inherited", [])
        rows: list[dict[str, Any]] = []
        for offset in range(0, 1 << 31, GROUPS_A_PAGE):
            groups = self._ask("groups", limit=GROUPS_A_PAGE, offset=offset, **query)["groups"]
            rows += [
                _row(group, completion, tokens) | _sampler(group["step"], inherited)
                for group in groups
                for completion in group["completions"]
            ]
            if len(groups) < GROUPS_A_PAGE:
                break
        scored = [f"reward/{name}" for name in dict.fromkeys(name for each in self._revisions() for name in each["weights"])]
        columns = [*BEFORE_REWARDS, *scored, *AFTER_REWARDS, *(TOKEN_COLUMNS if tokens else [])]
        floats = {*scored, "reward", "advantage"}
        return frame(rows, {name: NUMBER if name in floats else TYPES[name] for name in columns})

    def group(self, step: int | None = None, group: int = 0) -> Group:
        """The rollouts of one question of a step; of the last step that sampled when left out."""
        at = self._last_sampled() if step is None else step
        found = self._ask("groups", step=at, limit=1, offset=group)["groups"]
        if not found:
            raise IndexError(f"run {self.id} has no group {group} at step {at}")
        return Group(self._client, self.id, found[0])

    def _last_sampled(self) -> int:
        """The last step that has rollouts; 1 where none has."""
        seen = self._ask("metrics", names=["completions/mean_length"])
        lengths = seen["metrics"].get("completions/mean_length", [])
        return max((step for step, length in zip(seen["step"], lengths, strict=True) if length is not None), default=1)

    def checkpoints(self) -> pd.DataFrame:
        """One row a checkpoint: step, path on the machine of the Jupyter server, bytes, when and why it was written, whether it is kept."""
        return frame([{"best": False, **each} for each in self.detail()["checkpoints"]], CHECKPOINTS)

    @property
    def pair(self) -> Run | None:
        """The other run of a pair (Client.train_pair); None for a run without one, or where the other was deleted."""
        known = self.summary()["pair"]
        runs = ask(self._client, "runs")["runs"] if known else []
        return next((Run(self._client, summary) for summary in runs if summary["id"] == known["with"]), None)

    @property
    def children(self) -> list[Run]:
        """Runs that were forked from this one, newest first."""
        runs = ask(self._client, "runs")["runs"]
        return [Run(self._client, summary) for summary in runs if summary["parent"] == self.id]

    def plot(self, names: str | Sequence[str] = "reward", *, smoothing: float = 0.0, ax: Axes | None = None) -> Axes:
        """Metrics against the step, drawn by matplotlib. `smoothing` 0 to 0.99: an exponential mean, the raw values faint behind it."""
        import matplotlib.pyplot as plt

        wanted = texts(names, "names")
        frame = self.metrics(wanted)
        axes = plt.subplots()[1] if ax is None else ax
        for name in wanted:
            values = frame[name].dropna()
            smooth = values.ewm(alpha=1 - smoothing).mean() if smoothing else values
            (line,) = axes.plot(smooth.index, smooth, label=name)
            if smoothing:
                axes.plot(values.index, values, color=line.get_color(), alpha=0.25, linewidth=0.8)
        axes.set_xlabel("step")
        axes.set_title(self._last["name"])
        axes.legend()
        return axes

    @of_run(search)
    def search(self, text: str = "", **filters: Any) -> pd.DataFrame:
        """Completions of all steps by words, by a regular expression, by what is known of them; search.search() lists the filters."""
        return search(self._client, self.id, text, **filters)

    def question(self, item: str, *, dataset: str | None = None) -> pd.DataFrame:
        """One question through training: one row each time it was asked, oldest first, with right of judged, rate and the ends of its 95 %
        Wilson interval, mean reward and tokens, and how often each letter was answered. `attrs["question"]` has its words, options and
        answer; run.search(items=item, sort="step", ascending=True) has the completions. `dataset`: where two have a question of that id.
        """
        return question(self._client, self.id, item, dataset)

    def phrases(self, before: Steps, after: Steps, *, words: int = 4, least: int = 5, fdr: float = 0.05, limit: int = 50) -> Phrases:
        """Phrases that are said more often (`.grew`) or more rarely (`.vanished`) in the steps `after` than in `before`, each (first, last)
        or one step. `words`: of a phrase at most; `least`: completions that must say it; `fdr`: false discovery rate; `limit`: phrases
        of each kind.
        """
        return phrases(self._client, self.id, before, after, words=words, least=least, fdr=fdr, limit=limit)

    def families(self, *, first: int | None = None, last: int | None = None, similarity: float = 0.7, limit: int = 50) -> pd.DataFrame:
        """Completions that say nearly the same: one row a family, the largest first, with its first completion's text and place, how many
        completions, texts and questions it has, its steps, right of judged and mean reward. `similarity`: least share of three-word
        stretches in common with the first (Jaccard).
        """
        return families(self._client, self.id, first, last, similarity, limit)

    def alternatives(
        self, rollout: Rollout, *, top: int = 5, step: int | None = None, policy: str | None = None, temperature: float | None = None
    ) -> pd.DataFrame:
        """The likeliest tokens at each place of a stored completion (a row of rollouts() or search(), or (step, group, index)): a row an
        alternative. The policy nearest to the one that sampled it answers, or nearest to `step`; policy="newest": the run as it is now.
        `temperature`: the run's own when left out. `attrs["policy"]` says who answered.
        """
        given = {"top": top, "step": step, "policy": policy, "temperature": temperature}
        return alternatives(self._client, target_of(self.id, rollout), **given)

    def attribute(
        self,
        rollout: Rollout,
        *,
        token: int | None = None,
        against: str | Sequence[str] = (),
        method: str = "integrated",
        steps: int = 50,
        blocks: tuple[int, int] = (7, 7),
        orders: int = 10,
        step: int | None = None,
        policy: str | None = None,
    ) -> Attribution:
        """Where the model looked for a token of a stored completion: its number from 0, or the answer's letter when left out; `against`
        other letters: why this one and not those. method: integrated (gradients), gradient (x input; words too) or occlusion (of `blocks`).
        The map is held against `orders` random orders; 0 leaves that out. Who answers: as for alternatives().
        """
        target = target_of(self.id, rollout)
        given = {"token": token, "against": list(against), "method": method, "steps": steps, "blocks": list(blocks), "orders": orders}
        body = asked_of(self._client, "attribution", target, {**given, "step": step, "policy": policy})
        place = target["rollout"]
        groups = self._ask("groups", step=place["step"], limit=1, offset=place["group"])["groups"]
        image = groups[0]["image"] if groups else None
        return Attribution(self._client, body, None if image is None else ("image", (self.id,), {"path": image}))

    def decision(
        self,
        rollout: Rollout,
        *,
        text: str | None = None,
        order: Sequence[int] | None = None,
        image: str | None = None,
        blank: bool | None = None,
        step: int | None = None,
        policy: str | None = None,
    ) -> pd.DataFrame:
        """The probability of each option after each sentence of a stored completion; with `text` in place of what was said, options in
        another `order` (their places, the first to be A), another `image` of the data set, or a grey one (`blank`). A row a cut, the whole
        reasoning last. Who answers: as for alternatives().
        """
        given = {"text": text, "order": order_of(order), "image": image, "blank": blank, "step": step, "policy": policy}
        return decision(self._client, target_of(self.id, rollout), **given)

    def completion_notes(self) -> pd.DataFrame:
        """Tags and notes that people left on completions; `state` says whether the completion still says the same."""
        return frame(self._ask("search.notes")["notes"], NOTES)

    def note(self, step: int, group: int, index: int, note: str = "", *, tags: Sequence[str] | str = ()) -> dict[str, Any] | None:
        """Notes something on a completion, in place of what was noted there; without note and tags it is removed."""
        body = {"step": step, "group": group, "index": index, "note": note, "tags": texts(tags, "tags"), "author": "notebook"}
        return self._ask("search.note", body=body)["note"]

    def events(self, *, since: int = 0, follow: bool = False) -> Iterator[dict[str, Any]]:
        """The run's log, oldest first; `follow` goes on until the run has ended. After a rollback the new log is told from its start."""
        epoch = None
        while True:
            # Asked before the page: what comes after an ended run's last page is nothing.
            ended = self.summary()["state"] in ENDED_STATES
            page = self._ask("events", since=since, limit=EVENTS_A_PAGE)
            if epoch not in (None, page["epoch"]):
                epoch, since = page["epoch"], 0
                continue
            epoch = page["epoch"]
            for event in page["events"]:
                since = event["seq"]
                yield event
            if page["more"]:
                continue
            if not follow or ended:
                return
            time.sleep(POLL_S)

    def log(self, tail: int = 100) -> str:
        """Last lines of the worker's log."""
        return "\n".join(self._ask("log", tail=tail)["lines"])

    # What can be done to it

    def reward_weights(self) -> dict[str, float]:
        """Weights in force from the next step."""
        return self._revisions()[-1]["weights"]

    def set_reward_weights(
        self,
        weights: Mapping[str, float | Mapping[str, Any]] | None = None,
        *,
        reason: str = "",
        **by_name: float | Mapping[str, Any],
    ) -> dict[str, Any]:
        """Changes weights from the next step on; those left out keep theirs. One may follow the step: linear(1, 0, over=100). Returns the
        stored revision.
        """
        changed = {**(weights or {}), **by_name}
        if not changed:
            raise TypeError("name at least one weight, for example set_reward_weights(format=0.5)")
        body = {
            **weight_changes(changed),
            "reason": reason,
            "author": "notebook",
            "base_revision": self._revisions()[-1]["revision"],
            "request_id": uuid.uuid4().hex,
        }
        return self._ask("editRewards", body=body)

    def set_rewards(
        self,
        files: Given = (),
        *,
        remove: Sequence[str] = (),
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        reason: str = "",
        **weights: float | Mapping[str, Any],
    ) -> dict[str, Any]:
        """Reward functions from the next step on. `files`: paths of TypeScript or JavaScript files to add or to replace, their sources by
        file name ({"my_reward.ts": "export default ..."}), or functions of this notebook (see reward()); `weights` by name, where a
        built-in function that the run has not is added; `remove`: functions to leave out; `parameters` of built-in functions by function,
        {"length_band": {"low": 40}}, where None goes back to the default. A weight, or a parameter that is a number, may follow the step:
        linear(1, 0, over=100). Returns the stored revision.
        """
        given, functions = apart(files)
        served = [Served(function) for function in functions]
        self._client.reward_host.serve(*served)
        body = {
            **weight_changes(weights),
            "parameters": {name: dict(values) for name, values in (parameters or {}).items()},
            "files": reward_files(given),
            "kernel": {one.name: one.sha256 for one in served},
            "remove": list(remove),
            "reason": reason,
            "author": "notebook",
            "base_revision": self._revisions()[-1]["revision"],
            "request_id": uuid.uuid4().hex,
        }
        return self._ask("editRewards", body=body, timeout=PATIENT)

    def alerts(self) -> pd.DataFrame:
        """What the rules see in the run up to its newest step, and what happened to it besides, one row an alert, in the order of steps.

        rule, level (info, warning, critical), since and last (first and last step at which it was seen), on (still seen at the newest
        step), title, seen (what was seen, with numbers), why, remedies (a list of dicts: kind, text and what it changes), snoozed,
        metrics, evidence. docs/guides/alerts.md describes the rules.
        """
        return alert_frame(self._ask("alerts")["alerts"])

    def snooze(self, rule: str, *, steps: int | None = None) -> None:
        """Tells this rule's alerts of this run no more: for so many steps from the newest one, or for good. They stay in alerts()."""
        found = self._ask("alerts")
        until = None if steps is None else found["step"] + steps
        self._ask("alertSettings", body=changed(found["settings"], {"snoozed": {rule: until}}))

    def set_alerts(self, *, thresholds: Mapping[str, Any] | None = None, off: Sequence[str] | None = None) -> dict[str, Any]:
        """Thresholds (by rule and name, beside those that are there; a rule's None takes them back) and rules that are off, for this run.
        Returns the run's settings of alerts."""
        given = {key: value for key, value in {"thresholds": thresholds, "off": off}.items() if value is not None}
        settings = self._ask("alerts")["settings"]
        return self._ask("alertSettings", body=changed(settings, given))["settings"] if given else settings

    def alert_when(self, rule: Callable[[pd.DataFrame], Any], *, name: str, level: str = "warning") -> Watch:
        """A rule in Python: `rule` gets metrics() up to a step, after each new one, and gives False or the text to tell. It is evaluated
        in a thread here, until the run has ended or what is returned is called: stop = run.alert_when(...); stop().
        """

        def tell(seen: str, since: int) -> None:
            self._ask("raiseAlert", body={"rule": name, "seen": seen[:2000], "since": since, "level": level})

        return Watch(name, rule, self.metrics, tell, lambda: self.summary()["state"] in ENDED_STATES)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that can be changed while it trains, as they are from the next step on."""
        return self._ask("settings")["settings"]

    @keywords_of(LiveSettings)
    def set(self, settings: Mapping[str, Any] | None = None, *, reason: str = "", **by_name: Unpack[LiveSettings]) -> dict[str, Any]:
        """Changes settings from the next step on, run.set(learning_rate=5e-7, beta=0.02); those left out keep theirs. Returns the stored
        revision. Raises WorkbenchError where one cannot be changed in this run, and nothing is changed.
        """
        changed = {**(settings or {}), **by_name}
        if not changed:
            raise TypeError("name at least one setting, for example set(learning_rate=5e-7)")
        doubt(changed)
        body = {"settings": changed, "reason": reason, "author": "notebook", "request_id": uuid.uuid4().hex}
        return self._ask("editSettings", body=body)

    def revert(self, revision: int, *, reason: str = "") -> dict[str, Any]:
        """Rewards and settings of an earlier revision, from the next step on. Returns the new revision."""
        body = {"revision": revision, "reason": reason, "author": "notebook", "request_id": uuid.uuid4().hex}
        return self._ask("revert", body=body)

    @overload
    def reward(
        self,
        function: None = None,
        *,
        weight: float | None = None,
        name: str | None = None,
        timeout: float = 60.0,
        on_timeout: str = "pause",
        reason: str = "",
    ) -> Callable[[Callable[..., Any]], RunReward]: ...

    @overload
    def reward(
        self,
        function: Callable[..., Any],
        *,
        weight: float | None = None,
        name: str | None = None,
        timeout: float = 60.0,
        on_timeout: str = "pause",
        reason: str = "",
    ) -> RunReward: ...

    def reward(
        self,
        function: Callable[..., Any] | None = None,
        *,
        weight: float | None = None,
        name: str | None = None,
        timeout: float = 60.0,
        on_timeout: str = "pause",
        reason: str = "",
    ) -> RunReward | Callable[[Callable[..., Any]], RunReward]:
        """Makes a function of this notebook a reward of the run from the next step on; a decorator, with or without brackets.

        It is called here as TRL calls one, with keyword arguments: prompts, completions, completion_ids, every column, trainer_state. It
        may be async, and gives a number or None for each completion. `weight`: 1 for a new one, else as it is. `timeout`: seconds that a
        step waits for its answer; after that the run pauses, or with on_timeout="skip" goes on without it. The same name again is a new
        revision where anything differs. Raises WorkbenchError, and the run keeps its rewards, when the function fails on made-up
        completions.
        """
        if function is None:
            return lambda given: self.reward(given, weight=weight, name=name, timeout=timeout, on_timeout=on_timeout, reason=reason)
        served = Served(function, name=name, timeout=timeout, on_timeout=on_timeout)
        host = self._client.reward_host
        host.serve(served)
        current = self._revisions()[-1]
        if not _differs(current, served, weight):
            return RunReward(served, self, current["revision"])
        try:
            revision = self._ask(
                "editRewards",
                body={
                    "weights": {} if weight is None else {served.name: weight},
                    "kernel": {served.name: served.sha256},
                    "reason": reason,
                    "author": "notebook",
                    "base_revision": current["revision"],
                    "request_id": uuid.uuid4().hex,
                },
                timeout=PATIENT,
            )
        except WorkbenchError:
            host.withdraw(served)
            raise
        return RunReward(served, self, revision["revision"])

    def try_rewards(self, files: Given, *, steps: int = 20, to: int | None = None) -> pd.DataFrame:
        """What these functions (files, sources, functions of this notebook) give for the rollouts of the last `steps` steps, or of those
        that end with `to`; one row a function, changes nothing.
        """
        given, functions = apart(files)
        served = [Served(function) for function in functions]
        with self._client.reward_host.for_now(*served):
            body = {"files": reward_files(given), "kernel": {one.name: one.sha256 for one in served}, "steps": steps}
            if to is not None:
                body["to"] = to
            return frame(self._ask("tryRewards", body=body, timeout=PATIENT)["reports"], TRIED).set_index("name")

    def _revisions(self) -> list[dict[str, Any]]:
        return sorted(self._ask("rewards")["revisions"], key=lambda revision: revision["revision"])

    def start(self) -> Run:
        """Puts a run that was made with start=False into the queue."""
        return self._act("start")

    def pause(self) -> Run:
        """Stands still after the step in progress and keeps its device; resume() goes on."""
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

    @keywords_of(Configuration)
    def fork(
        self,
        step: int | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        rewards: Mapping[str, float | Mapping[str, Any] | None] | None = None,
        start: bool = True,
        **keys: Unpack[Configuration],
    ) -> Run:
        """A new run from the checkpoint at `step` (the newest when left out), with these keys of the configuration changed.

        `rewards`: weights by function over those in force at that step, {"format": 0.2, "accuracy_tolerant": 1}; a built-in function that
        the run has not is added, one whose weight is None is left out, and a weight may follow the step: linear(1, 0, over=100).
        Functions of your own are added with set_rewards() to a fork made with start=False.
        """
        if step is None:
            found = self.detail()["checkpoints"]
            if not found:
                raise WorkbenchError("CHECKPOINT_ABSENT", f"Run {self.id} has no checkpoint yet", "run.checkpoint() writes one.")
            step = max(each["step"] for each in found)
        changed = {**(config or {}), **keys}
        doubt(changed)
        body = {"step": step, "config": changed, "start": start and not rewards, "request_id": uuid.uuid4().hex}
        child = Run(self._client, self._ask("fork", body=body))
        if not rewards:
            return child
        weights = {name: weight for name, weight in rewards.items() if weight is not None}
        try:
            child.set_rewards(remove=[name for name in rewards if name not in weights], reason=f"forked from {self.id}", **weights)
        except WorkbenchError:
            child.delete()  # a fork with other rewards than asked for is none that was asked for
            raise
        return child.start() if start else child

    def rollback(self, step: int) -> Run:
        """Drops the steps after the checkpoint at `step`; resume() takes them anew. The run must stand still."""
        self._last = self._ask("rollback", body={"step": step})
        return self

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Writes metrics (.csv, one row a step) or rollouts (.jsonl and .parquet, one row a completion) to a file of this machine.

        The file has its name only once it is whole and on the disk.
        """
        target = Path(path)
        writers: dict[str, Callable[[Path], object]] = {
            ".csv": lambda file: self.metrics().to_csv(file),
            ".jsonl": lambda file: self.rollouts(first=1, tokens=True).to_json(file, orient="records", lines=True),
            ".parquet": lambda file: self.rollouts(first=1, tokens=True).to_parquet(file),
        }
        if target.suffix not in writers:
            raise WorkbenchError("EXPORT_FORMAT", f"the ending of {target} names no format", f"End the name with {', '.join(writers)}.")
        try:
            write_whole(target, writers[target.suffix])
        except (ImportError, OSError) as error:
            remedy = (
                "pip install pyarrow" if isinstance(error, ImportError) else "Give a file in a folder that is there and can be written."
            )
            raise WorkbenchError("EXPORT_FILE", f"{target} cannot be written: {error}", remedy) from error
        return target

    def delete(self) -> None:
        """Moves the run to the trash. It must not be active."""
        self._ask("deleteRun")

    def _act(self, action: str) -> Run:
        self._stopped = action == "stop"
        self._last = self._ask("action", body={"action": action, "request_id": uuid.uuid4().hex})
        return self

    def wait(self, *, step: int | None = None, timeout: float | timedelta | None = None, show: bool = True) -> Run:
        """Until the run is finished, stands still or reached `step`; `show` draws a bar that says what it waits for.

        A backend that is started again meanwhile is waited for. Raises WorkbenchError when the run failed, was interrupted or never was
        started, TimeoutError after `timeout` seconds; warns when somebody else stopped it.
        """

        def look(now: dict[str, Any]) -> Glance:
            there = step is not None and now["step"] >= step
            if now["state"] in ("failed", "interrupted"):
                raise _ended(self.id, now)
            if now["state"] in STANDS_STILL and not there:
                if now["state"] == "stopped" and not self._stopped:
                    warnings.warn(f"run {self.id} was stopped at step {now['step']} of {now['total_steps']}", stacklevel=4)
                there = True
            at = f"{now['state']} at step {now['step']} of {now['total_steps']}"
            return Glance(now["step"], step or now["total_steps"], _note(now, self._waits_for(now)), at, there)

        self._watch(look, timeout, show)
        PUMP.settle()  # a notebook that ends here keeps pictures of how things ended
        return self

    def _waits_for(self, now: dict[str, Any]) -> str:
        """Which run a queued run waits for. Raises RUN_NOT_STARTED for a run that nobody started."""
        if now["state"] != "queued" or now["step"] > 0:
            return ""
        if "waits_since" in now and now["waits_since"] is None:
            raise WorkbenchError("RUN_NOT_STARTED", f"Run {self.id} has not been started", "run.start() starts it.")
        others = [each for each in ask(self._client, "runs")["runs"] if each["id"] != self.id]
        ahead = [each for each in others if each["state"] in ACTIVE_STATES]
        if not ahead:
            return ""
        return f"waits for {ahead[0]['name']} ({ahead[0]['state']} at step {ahead[0]['step']} of {ahead[0]['total_steps']})"

    # How it shows

    def live(self, metrics: str | Sequence[str] | None = None) -> LiveRuns:
        """The run in a cell, live while the kernel is there: curves, state and buttons, weights, rollouts. `metrics`: names or shell
        patterns ("rewards/*/mean") of what is drawn. A run as the last expression of a cell shows the same.
        """
        return LiveRuns(self._client, [self.id], None if metrics is None else texts(metrics, "metrics"))

    def _ipython_display_(self, **_: Any) -> None:
        self.live()._ipython_display_()

    def __repr__(self) -> str:
        s = self._last
        reward = "" if s["reward"] is None else f", reward {s['reward']:.3g}"
        return f"<Run {s['id']} {s['name']!r}: {_state(s)}, step {s['step']} of {s['total_steps']}{reward}>"

    def _cells(self) -> list[Any]:
        s = self._last
        reward = "" if s["reward"] is None else f"{s['reward']:.3g}"
        return [s["id"], s["name"], _state(s), f"{s['step']} of {s['total_steps']}", reward]


def _differs(current: dict[str, Any], served: Served, weight: float | None) -> bool:
    old = current["sources"].get(served.name)
    if old is None or old.get("runtime") != "kernel":
        return True
    known = (old["sha256"], old["timeout_s"], old["on_timeout"], old.get("tests", []))
    same = known == (served.sha256, served.timeout_s, served.on_timeout, served.tests)
    return not same or (weight is not None and weight != current["weights"][served.name])


# Columns of a frame of rollouts, before and after those of the rewards.
BEFORE_REWARDS = [
    "step",
    "group",
    "index",
    "item_id",
    "modality",
    "question_type",
    "question",
    "options",
    "answer",
    "prediction",
    "correct",
    "reading",
    "text",
    "tokens",
    "finish_reason",
]
AFTER_REWARDS = ["reward", "advantage", "image", "sampled_by"]
TOKEN_COLUMNS = ["token_ids", "logprobs", "entropy", "kl", "ratio", "clipped"]
TYPES = {
    **dict.fromkeys(("step", "group", "index", "tokens"), WHOLE),
    **dict.fromkeys(("item_id", "modality", "question_type", "question", "answer", "prediction", "reading"), TEXT),
    **dict.fromkeys(("text", "finish_reason", "image", "sampled_by"), TEXT),
    **dict.fromkeys(("options", *TOKEN_COLUMNS), ANY),
    "correct": TRUTH,
}
CHECKPOINTS = {"step": WHOLE, "path": TEXT, "bytes": WHOLE, "created_at": TIME, "reason": TEXT, "pinned": TRUTH, "best": TRUTH}
TRIED = {
    **dict.fromkeys(("name", "sha256"), TEXT),
    **dict.fromkeys(("completions", "failed"), WHOLE),
    "failing": WHOLE_OR_NONE,
    "not_applicable": WHOLE,
    **dict.fromkeys(("mean", "std", "min", "max"), NUMBER),
    "histogram": ANY,
    "ms_per_completion": NUMBER,
    **dict.fromkeys(("log", "tests", "error"), ANY),
}
NOTES = {
    **dict.fromkeys(("step", "group", "index"), WHOLE),
    "tags": ANY,
    "note": TEXT,
    "author": TEXT,
    "updated_at": TIME,
    "text": TEXT,
    "state": TEXT,
}


def _state(summary: dict[str, Any]) -> str:
    """The state in the words of `medr1 runs list`: a queued run may be one that nobody has started."""
    if summary["state"] != "queued" or "waits_since" not in summary:
        return summary["state"]
    return "not started" if summary["waits_since"] is None else "held" if summary.get("held") else "queued"


def _note(now: dict[str, Any], waits: str) -> str:
    reward = "" if now["reward"] is None else f"reward {now['reward']:.3g}"
    return " · ".join(each for each in (now["state"], waits, reward) if each)


def _ended(run: str, now: dict[str, Any]) -> WorkbenchError:
    """The error of a run that failed or was interrupted."""
    at = f"at step {now['step']} of {now['total_steps']}"
    other = {
        "failed": ("RUN_FAILED", f"Run {run} failed {at}", "Read run.log()."),
        "interrupted": ("RUN_INTERRUPTED", f"Run {run} was interrupted {at}", "run.resume() goes on from its last checkpoint."),
    }[now["state"]]
    error = now["error"]
    return WorkbenchError(error["code"], error["message"], error["remedy"]) if error else WorkbenchError(*other)


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
