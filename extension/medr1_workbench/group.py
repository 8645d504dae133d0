"""The rollouts of one question at one step, as one object: what was asked, and what was said to it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import pandas as pd

from .cells import LiveGroup
from .cells.feed import cut
from .frames import NUMBER, TEXT, TRUTH, WHOLE, frame

COLUMNS = {
    "index": WHOLE,
    "text": TEXT,
    "prediction": TEXT,
    "correct": TRUTH,
    "reward": NUMBER,
    "advantage": NUMBER,
    "finish_reason": TEXT,
}


class Group:
    """Made by Run.group(). `completions` is a DataFrame, a row a completion with its rewards; `group[2]` is one of them as a dict."""

    def __init__(self, client: Any, run: str, body: dict[str, Any]) -> None:
        self._client = client
        self._body = body = cut(body)
        self.run = run
        self.step: int = body["step"]
        self.group: int = body["group"]
        self.item_id: str = body["item_id"]
        self.question: str = body["question"]
        self.options: list[str] = body["options"]
        self.answer: str | None = body["answer"]
        #: Path of its image in the data set.
        self.image: str | None = body["image"]

    @property
    def completions(self) -> pd.DataFrame:
        rows = [
            {**{name: one[name] for name in COLUMNS}, **{f"reward/{name}": value for name, value in one["rewards"].items()}}
            for one in self._body["completions"]
        ]
        scored = dict.fromkeys((name for row in rows for name in row if name.startswith("reward/")), NUMBER)
        return frame(rows, {**COLUMNS, **scored})

    def __len__(self) -> int:
        return len(self._body["completions"])

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._body["completions"][index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._body["completions"])

    def live(self, completion: int | None = None) -> LiveGroup:
        """The group in a cell: image, question, each completion with its thinking and its answer; or one completion alone."""
        return LiveGroup(self._client, self.run, self._body, completion)

    def _ipython_display_(self, **_: Any) -> None:
        self.live()._ipython_display_()

    def __repr__(self) -> str:
        right = sum(one["correct"] is True for one in self._body["completions"])
        return f"<Group {self.group} of run {self.run} at step {self.step}: {self.question!r}, {right} of {len(self)} right>"

    def _repr_html_(self) -> str:
        head = f"<p>{escape(self.question)}<br>{escape(choices(self._body))}</p>"
        return head + self.completions[["text", "prediction", "correct", "reward", "advantage"]].to_html(index=False, escape=True)


def choices(body: dict[str, Any]) -> str:
    """The options with their letters, the right one marked: "A) cyst  B) nodule (right)"."""
    lettered = [(chr(ord("A") + at), text) for at, text in enumerate(body["options"])]
    return "  ".join(f"{letter}) {text}{' (right)' if letter == body['answer'] else ''}" for letter, text in lettered)
