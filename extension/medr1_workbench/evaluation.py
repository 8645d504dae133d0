"""Stored evaluations in a notebook: every answer of a model to a split's questions, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from .ask import ask
from .backend import PATIENT
from .errors import WorkbenchError
from .needs import Requests
from .stored import Glance, Stored
from .values import texts

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


class Evaluation(Stored):
    """Made by Client.evaluate(), Client.evaluation() or Client.evaluations()."""

    KIND = "evaluation"
    ROUTE = "evals.get"
    HEADS = ("Evaluation", "Name", "State", "Answers", "Strict", "Tolerant")

    # What it is

    def detail(self) -> dict[str, Any]:
        """Summary, report (accuracy with 95 % Wilson intervals, by modality, question type and data set; controls), directory."""
        return super().detail()

    @property
    def state(self) -> str:
        """queued, running, stopped, finished, failed or interrupted."""
        return super().state

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
            page = self._ask("evals.answers", limit=size, offset=len(rows), **query)["answers"]
            rows += [_answer(one) for one in page]
            if len(page) < size:
                break
        return pd.DataFrame(rows, columns=COLUMNS).astype({"tokens": "int64"})

    # What can be done to it

    def stop(self) -> Evaluation:
        """Stops it; the answers given are kept."""
        self._last = self._ask("evals.action", body={"action": "stop"})
        return self

    def resume(self) -> Evaluation:
        """Goes on with the questions that have no answer yet."""
        self._last = self._ask("evals.action", body={"action": "resume"})
        return self

    def delete(self) -> None:
        """Moves it to the trash."""
        self._ask("evals.remove")

    def wait(self, *, timeout: float | timedelta | None = None, show: bool = True) -> Evaluation:
        """Until it is finished; `show` draws a bar. A backend that is started again meanwhile is waited for. Raises WorkbenchError when it
        ended otherwise, TimeoutError after `timeout` seconds.
        """

        def look(now: dict[str, Any]) -> Glance:
            if now["state"] != "finished" and now["state"] not in UNDER_WAY:
                error = now["error"] or {
                    "code": "EVAL_NOT_FINISHED",
                    "message": f"Evaluation {self.id} is {now['state']} after {now['done']} of {now['total']} answers",
                    "remedy": "evaluation.resume() goes on where it was.",
                }
                raise WorkbenchError(error["code"], error["message"], error["remedy"])
            note = "" if now["strict"]["rate"] is None else f"accuracy {now['strict']['rate']:.3f}"
            at = f"{now['state']} at {now['done']} of {now['total']}"
            return Glance(now["done"], now["total"], note, at, there=now["state"] == "finished")

        self._watch(look, timeout, show)
        return self

    # How it shows

    def __repr__(self) -> str:
        s = self._last
        return f"<Evaluation {s['id']} {s['name']!r}: {s['state']}, {s['done']} of {s['total']} answers, strict {_share(s['strict'])}>"

    def _cells(self) -> list[Any]:
        s = self._last
        return [s["id"], s["name"], s["state"], f"{s['done']} of {s['total']}", _share(s["strict"]), _share(s["tolerant"])]


def evaluate(client: Requests, body: dict[str, Any]) -> Evaluation:
    return Evaluation(client, ask(client, "evals.start", body=body, timeout=PATIENT))


def compare(client: Requests, evaluations: Sequence[Evaluation | str], reading: str) -> pd.DataFrame:
    """One row a pair: questions that both, only a, only b, or neither got right, accuracy of b minus a, p of McNemar's exact test."""
    ids = texts(evaluations, "evaluations")
    if len(ids) < 2:
        raise WorkbenchError("EVAL_COMPARE", "compare takes two or more evaluations", "c.evaluations() lists them.")
    compared = ask(client, "evals.compare", ids=ids)
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
    found = ask(client, "evals.matrix", kind=kind, ids=ids)
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
