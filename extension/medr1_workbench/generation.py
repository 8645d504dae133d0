"""What a model answered outside training."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from .explain import Attribution, alternatives, asked_of, decision
from .frames import ANY, NUMBER, TEXT, TRUTH, frame

COLUMNS = {
    "text": TEXT,
    "prediction": TEXT,
    "correct": TRUTH,
    "finish_reason": TEXT,
    **dict.fromkeys(("tokens", "token_ids", "logprobs"), ANY),
}


class Generation:
    """Made by Client.generate(). `completions` is a DataFrame: text, tokens, log-probabilities, prediction, correct, and rewards."""

    def __init__(self, body: dict[str, Any], client: Any = None, asked: dict[str, Any] | None = None) -> None:
        self._client, self._asked, self._bodies = client, asked or {}, body["completions"]
        self.run: str | None = body["run"]
        self.step: int | None = body["step"]
        self.model: str = body["model"]
        self.variant: str = body["variant"]
        self.seed: int | None = body.get("seed")
        self.seconds: float = body["seconds"]
        #: By which prediction and correct are read: exact, strict, bare or tolerant.
        self.reading: str = body["reading"]
        self.prompt: dict[str, Any] = body["prompt"]
        scored = body.get("scored_by")
        #: Functions that failed, with their messages; empty where no rewards were asked for.
        self.reward_errors: dict[str, str] = scored["errors"] if scored else {}
        names = list(dict.fromkeys(name for one in body["completions"] for name in one.get("rewards", {})))
        rows = [one | {f"reward/{name}": value for name, value in one.get("rewards", {}).items()} for one in body["completions"]]
        rewards = dict.fromkeys((*(f"reward/{name}" for name in names), "reward"), NUMBER) if scored else {}
        self.completions = frame(rows, {**COLUMNS, **rewards})

    def alternatives(self, index: int = 0, *, top: int = 5) -> pd.DataFrame:
        """The likeliest tokens at each place of a completion; as Run.alternatives()."""
        return alternatives(self._client, self._target(index), top=top)

    def attribute(self, index: int = 0, **settings: Any) -> Attribution:
        """Where the model looked for a token of a completion; settings as in Run.attribute(), without step and policy."""
        return Attribution(self._client, asked_of(self._client, "attribution", self._target(index), settings), None)

    def decision(self, index: int = 0, **changes: Any) -> pd.DataFrame:
        """The probability of each option after each sentence of a completion; changes as in Run.decision(), without step and policy."""
        return decision(self._client, self._target(index), **changes)

    def _target(self, index: int) -> dict[str, Any]:
        kept = ("run", "model", "dataset", "item", "question", "image", "prompt_template", "crop", "blank")
        asked = {key: value for key, value in self._asked.items() if key in kept}
        step = {} if self.run is None or self.step is None else {"step": self.step}
        return {**asked, **step, "variant": self.variant, "token_ids": self._bodies[index]["token_ids"]}

    @property
    def text(self) -> str:
        """The first completion, special tokens left out; empty when none was asked for."""
        return "" if self.completions.empty else self.completions["text"].iloc[0]

    def __repr__(self) -> str:
        who = self.model if self.run is None else f"run {self.run} at step {self.step}"
        return f"<Generation of {who}, {self.variant}: {self.text!r}>"

    def _repr_html_(self) -> str:
        who = escape(self.model if self.run is None else f"run {self.run} at step {self.step}")
        head = f"<p>{who}, {escape(self.variant)}, reading {escape(self.reading)}, {self.seconds:.2g} s</p>"
        return head + self.completions[["text", "prediction", "correct", "finish_reason"]].to_html(index=False, escape=True)
