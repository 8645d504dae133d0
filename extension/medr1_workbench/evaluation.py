"""Stored evaluations in a notebook: every answer of a model to a split's questions, and what follows from them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from html import escape
from typing import Any

import pandas as pd

from .backend import PATIENT, Requests
from .errors import WorkbenchError
from .progress import Progress
from .values import part, seconds, texts

POLL_S = 0.5
ANSWERS_A_PAGE = 500
UNDER_WAY = frozenset({"queued", "running"})
COLUMNS = [
    "item_id",
    "modality",
    "question_type",
    "dataset",
    "question",
    "options",
    "answer",
    "strict",
    "tolerant",
    "correct",
    "correct_tolerant",
    "text",
    "tokens",
    "finish_reason",
    "sight",
    "image",
]


class Evaluation:
    """Made by Client.evaluate(), Client.evaluation() or Client.evaluations()."""

    HTML_HEAD = "<tr><th>Evaluation</th><th>Name</th><th>State</th><th>Answers</th><th>Strict</th><th>Tolerant</th></tr>"

    def __init__(self, client: Requests, summary: dict[str, Any]) -> None:
        self._client = client
        self.id: str = summary["id"]
        self._last = summary

    def _request(self, method: str, path: str = "", body: Any = None, **query: Any) -> Any:
        return self._client.request(method, f"/evals/{part(self.id)}{path}", body, **query)

    def _in_json(self) -> str:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and other.id == self.id

    def __hash__(self) -> int:
        return hash(("evaluation", self.id))

    # What it is

    def detail(self) -> dict[str, Any]:
        """Summary, report (accuracy with 95 % Wilson intervals, by modality, question type and data set; controls), directory."""
        return self._request("GET")

    def summary(self) -> dict[str, Any]:
        """State, settings, answers given and asked for, accuracy so far."""
        self._last = self.detail()["summary"]
        return self._last

    @property
    def state(self) -> str:
        """queued, running, stopped, finished, failed or interrupted."""
        return self.summary()["state"]

    @property
    def accuracy(self) -> float | None:
        """Share of right answers, read strictly as published; None before the first answer."""
        return self.summary()["strict"]["rate"]

    def report(self) -> pd.DataFrame:
        """One row a slice (all, each modality, question type and data set; each control), with right, total, rate and the ends of its 95 %
        interval by both readings.
        """
        report = self.detail()["report"]
        rows = [_slice("all", "all", report)]
        for by in ("by_modality", "by_question_type", "by_dataset"):
            rows += [_slice(by.removeprefix("by_"), name, value) for name, value in report[by].items()]
        for name, control in report["controls"].items():
            # option-prior asks no model, so that no text is read: it has one share.
            rows.append(_slice("control", name, control if "strict" in control else {"strict": control, "tolerant": control}))
        return pd.DataFrame(rows)

    def answers(
        self,
        filter: str = "all",
        *,
        reading: str = "strict",
        sight: str = "image",
        against: Evaluation | str | None = None,
        modality: str | None = None,
        question_type: str | None = None,
        dataset: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """One row an answer. `filter`: all, right, wrong, differing (the readings disagree), and against another evaluation gained, lost or
        flips. `reading`: strict or tolerant decides what right is. `sight`: image, or a control (blank-image, shuffled-image, text-only,
        options-permuted, option-prior).
        """
        query = {
            "filter": filter,
            "reading": reading,
            "sight": sight,
            "against": against,
            "modality": modality,
            "question_type": question_type,
            "dataset": dataset,
        }
        rows: list[dict[str, Any]] = []
        while limit is None or len(rows) < limit:
            size = ANSWERS_A_PAGE if limit is None else min(ANSWERS_A_PAGE, limit - len(rows))
            page = self._request("GET", "/answers", limit=size, offset=len(rows), **query)["answers"]
            rows += [_answer(one) for one in page]
            if len(page) < size:
                break
        return pd.DataFrame(rows, columns=COLUMNS).astype({"tokens": "int64"})

    # What can be done to it

    def stop(self) -> Evaluation:
        """Stops it; the answers given are kept."""
        self._last = self._request("POST", "/actions", {"action": "stop"})
        return self

    def resume(self) -> Evaluation:
        """Goes on with the questions that have no answer yet."""
        self._last = self._request("POST", "/actions", {"action": "resume"})
        return self

    def delete(self) -> None:
        """Moves it to the trash."""
        self._request("DELETE")

    def wait(self, *, timeout: float | timedelta | None = None, show: bool = True) -> Evaluation:
        """Until it is finished; `show` draws a bar. Raises when it ended otherwise, TimeoutError after `timeout` seconds."""
        timeout = seconds(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        with Progress(f"evaluation {self.id}", show) as bar:
            while True:
                now = self.summary()
                bar.update(now["done"], now["total"], "" if now["strict"]["rate"] is None else f"accuracy {now['strict']['rate']:.3f}")
                if now["state"] == "finished":
                    return self
                if now["state"] not in UNDER_WAY:
                    error = now["error"] or {
                        "code": "EVAL_NOT_FINISHED",
                        "message": f"Evaluation {self.id} is {now['state']} after {now['done']} of {now['total']} answers",
                        "remedy": "evaluation.resume() goes on where it was.",
                    }
                    raise WorkbenchError(error["code"], error["message"], error["remedy"])
                if end is not None and time.monotonic() > end:
                    raise TimeoutError(f"evaluation {self.id} is {now['state']} at {now['done']} of {now['total']} after {timeout:g} s")
                time.sleep(POLL_S)

    # How it shows

    def __repr__(self) -> str:
        s = self._last
        return f"<Evaluation {s['id']} {s['name']!r}: {s['state']}, {s['done']} of {s['total']} answers, strict {_share(s['strict'])}>"

    def html_row(self) -> str:
        s = self._last
        cells = [s["id"], s["name"], s["state"], f"{s['done']} of {s['total']}", _share(s["strict"]), _share(s["tolerant"])]
        return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"

    def _repr_html_(self) -> str:
        self.summary()
        return f"<table>{self.HTML_HEAD}{self.html_row()}</table>"


def evaluate(client: Requests, body: dict[str, Any]) -> Evaluation:
    return Evaluation(client, client.request("POST", "/evals", body, timeout=PATIENT))


def compare(client: Requests, evaluations: Sequence[Evaluation | str], reading: str) -> pd.DataFrame:
    """One row a pair: questions that both, only a, only b, or neither got right, accuracy of b minus a, p of McNemar's exact test."""
    ids = texts(evaluations, "evaluations")
    if len(ids) < 2:
        raise WorkbenchError("EVAL_COMPARE", "compare takes two or more evaluations", "c.evaluations() lists them.")
    compared = client.request("GET", "/evals/compare", ids=ids)
    names = {each["id"]: each["name"] for each in compared["evaluations"]}
    rows = [
        {
            "a": pair["a"],
            "b": pair["b"],
            "name_a": names[pair["a"]],
            "name_b": names[pair["b"]],
            "items": compared["items"],
            **{key: pair[reading][key] for key in ("both", "only_a", "only_b", "neither", "difference", "p")},
        }
        for pair in compared["pairs"]
    ]
    return pd.DataFrame(rows)


def matrices(client: Requests, kind: str, evaluations: Iterable[Evaluation | str] | None, reading: str) -> dict[str, pd.DataFrame]:
    """By name ("grpo think"): accuracy, a row for what checkpoints were trained on, a column for what they were tested on."""
    ids = None if evaluations is None else texts(evaluations, "evaluations")
    found = client.request("GET", "/evals/matrix", kind=kind, ids=ids)
    return {
        matrix["name"]: pd.DataFrame(
            [[None if cell is None else cell[reading]["rate"] for cell in row] for row in matrix["cells"]],
            index=pd.Index(matrix["names"], name="trained on"),
            columns=pd.Index(matrix["names"], name="tested on"),
            dtype="float64",
        )
        for matrix in found["matrices"]
    }


def _share(share: dict[str, Any]) -> str:
    return "-" if share["rate"] is None else f"{share['rate']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"


def _slice(by: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    readings = {
        f"{key}{'' if reading == 'strict' else '_tolerant'}": value[reading][key]
        for reading in ("strict", "tolerant")
        for key in ("right", "total", "rate", "low", "high")
    }
    return {"by": by, "name": name, **readings}


def _answer(one: dict[str, Any]) -> dict[str, Any]:
    item = one["item"]
    right = one["answer"]
    return {
        "item_id": item["id"],
        "modality": item["modality"],
        "question_type": item["question_type"],
        "dataset": item["dataset"],
        "question": item["question"],
        "options": one["options"],
        "answer": right,
        "strict": one["strict"],
        "tolerant": one["tolerant"],
        "correct": None if right is None else one["strict"] == right,
        "correct_tolerant": None if right is None else one["tolerant"] == right,
        "text": one["text"],
        "tokens": one["tokens"],
        "finish_reason": one["finish_reason"],
        "sight": one["sight"],
        "image": item["image"] or None,
    }
