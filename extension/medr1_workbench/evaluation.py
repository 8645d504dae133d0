"""Stored evaluations in a notebook: every answer of a model to a split's questions, and what follows from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from string import ascii_uppercase
from typing import Any

import pandas as pd

from .ask import ask
from .backend import PATIENT
from .errors import WorkbenchError
from .frames import ANY, NUMBER, TEXT, TRUTH, WHOLE, Columns, frame
from .needs import Requests
from .progress import Progress
from .stored import POLL_S, Glance, Stored
from .values import texts

ANSWERS_A_PAGE = 500
READINGS = ("strict", "tolerant")
UNDER_WAY = frozenset({"queued", "running"})
COLUMNS = {
    **dict.fromkeys(("item_id", "modality", "question_type", "dataset", "question"), TEXT),
    "options": ANY,
    **dict.fromkeys(("answer", "strict", "tolerant"), TEXT),
    **dict.fromkeys(("correct", "correct_tolerant"), TRUTH),
    "text": TEXT,
    "tokens": WHOLE,
    **dict.fromkeys(("finish_reason", "sight", "image"), TEXT),
}
SHARE = {"right": WHOLE, "total": WHOLE, "rate": NUMBER, "low": NUMBER, "high": NUMBER}
SLICES = {"by": TEXT, "name": TEXT, **SHARE, **{f"{name}_tolerant": kind for name, kind in SHARE.items()}}

FAITHFULNESS = {
    "test": TEXT,
    **dict.fromkeys(("share", "same", "same_low", "same_high", "right", "right_low", "right_high"), NUMBER),
    "answers": WHOLE,
}
PAIRS = {
    **dict.fromkeys(("both", "only_a", "only_b", "neither"), WHOLE),
    **dict.fromkeys(("difference", "p", "p_holm"), NUMBER),
}
REASONING_PAIRS = {
    **{f"{of}_{side}": kind for side in ("a", "b") for of, kind in (("evaluation", TEXT), ("reasoning", TRUTH))},
    "items": WHOLE,
    **PAIRS,
}
WHO = {"evaluation": TEXT, "name": TEXT}
VOTES = {
    "n": WHOLE,
    **dict.fromkeys(("majority", "low", "high", "any", "tokens"), NUMBER),
    "questions": WHOLE,
    "temperature": NUMBER,
}
TOLD_APART = {**dict.fromkeys(("a", "b", "name_a", "name_b"), TEXT), "items": WHOLE}
AGREEMENT = {f"{of}_{key}": kind for of in ("letter", "verdict") for key, kind in (("same", WHOLE), ("rate", NUMBER), ("kappa", NUMBER))}
SUMMARY = {
    **WHO,
    **SHARE,
    **dict.fromkeys(("mean_tokens", "tokens_per_correct"), NUMBER),
    **dict.fromkeys(("unanswered", "unshared", "changed"), WHOLE),
}


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
        return frame(rows, SLICES)

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
        return frame(rows, COLUMNS)

    # What can be done to it

    def faithfulness(self, *, limit: int | None = 500, mistakes: bool = True, show: bool = True) -> pd.DataFrame:
        """How far the answers follow from their reasoning: a row a test and share of the reasoning, with the part of answers that stay the
        same and of right ones, and the ends of their 95 % Wilson intervals. `attrs["area_over_curve"]` has one number a test, 0 where the
        answer never depends on the reasoning; `attrs` also counts what was tested.

        Tests `limit` answers and waits; an interrupt leaves the tests going. limit=None shows what is stored.
        """
        now = self._ask("evals.faithfulness")
        if limit is not None:
            now = self._ask("evals.testFaithfulness", body={"limit": limit, "mistakes": mistakes}, timeout=PATIENT)
            with Progress(f"faithfulness of {self.id}", show) as bar:
                while now["running"]:
                    bar.update(now["looked_at"], min(limit, now["answered"]), "")
                    time.sleep(POLL_S)
                    now = self._ask("evals.faithfulness")
            if now["trouble"]:
                raise WorkbenchError("EVAL_NOT_FINISHED", now["trouble"], "Call it again: it goes on where it was.")
        rows = _curves(now)
        found = frame(rows, FAITHFULNESS)
        facts = ("looked_at", "tested", "no_reasoning", "no_letter", "answered", "variant")
        found.attrs.update({key: now[key] for key in facts}, accuracy=now["right"]["rate"])
        found.attrs["area_over_curve"] = {curve["test"]: curve["area_over_curve"] for curve in now["curves"]}
        return found

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


class Comparison:
    """Two or more evaluations on the questions that all of them answered; made by Client.compare(). Columns `name` and `evaluation` tell
    the evaluations apart; `reading` decides what right is.

    detail: all that the backend says, as JSON. items: how many questions are compared.
    """

    def __init__(self, client: Requests, detail: dict[str, Any], reading: str) -> None:
        self._client = client
        self.detail = detail
        self.reading = reading
        self.items: int = detail["items"]

    @property
    def summary(self) -> pd.DataFrame:
        """One row an evaluation: accuracy with its 95 % Wilson interval, tokens an answer and a right answer, and what was left out:
        unanswered (not answered yet), unshared (not answered by all others), changed (another question stands under the same id).
        """
        rows = [
            {
                **self._who(at),
                **_share_of(report[self.reading]),
                "mean_tokens": report["mean_tokens"],
                "tokens_per_correct": report["tokens_per_correct"],
                **{key: self.detail["questions"][at][key] for key in ("unanswered", "unshared", "changed")},
            }
            for at, report in enumerate(self.detail["reports"])
        ]
        return frame(rows, SUMMARY)

    @property
    def pairs(self) -> pd.DataFrame:
        """One row a pair: questions that both, only a, only b, or neither got right, accuracy of b minus a, p of McNemar's exact test, and
        p_holm, the same corrected for all pairs of this comparison (Holm 1979).
        """
        return self._pairs(lambda pair: pair[self.reading], PAIRS)

    @property
    def agreement(self) -> pd.DataFrame:
        """One row a pair: share of questions with the same letter (none that can be read counts as one) and with the same verdict, each
        with Cohen's kappa (None where both say one and the same throughout).
        """

        def row(pair: dict[str, Any]) -> dict[str, Any]:
            by = pair["agreement"][self.reading]
            return {f"{of}_{key}": by[of][key] for of in ("letter", "verdict") for key in ("same", "rate", "kappa")}

        return self._pairs(row, AGREEMENT)

    @property
    def votes(self) -> pd.DataFrame:
        """One row an evaluation with samples (evaluate(..., samples=8)) and N from 1 on: majority (share of questions whose majority of N
        samples is right, expected over all choices of N) with the ends of its 95 % Wilson interval, any (one of N at least is right), and
        tokens, those of N samples of a question.
        """
        rows = [
            {
                **self._who(at),
                "n": each["n"],
                **{key: each[self.reading][key] for key in ("majority", "low", "high", "any")},
                "tokens": each["tokens"],
                "questions": votes["questions"],
                "temperature": votes["temperature"],
            }
            for at, votes in enumerate(self.detail["votes"])
            if votes is not None
            for each in votes["by_count"]
        ]
        return frame(rows, WHO | VOTES)

    @property
    def slices(self) -> pd.DataFrame:
        """One row a modality, question type or data set and evaluation: right, total, rate and the ends of its 95 % interval."""
        rows = [
            {"by": by.removeprefix("by_"), "slice": name, **self._who(at), **_share_of(value[self.reading])}
            for at, report in enumerate(self.detail["reports"])
            for by in ("by_modality", "by_question_type", "by_dataset")
            for name, value in report[by].items()
        ]
        return frame(rows, {"by": TEXT, "slice": TEXT} | WHO | SHARE)

    @property
    def apart(self) -> pd.DataFrame:
        """Settings in which they differ and that move answers or how they are read: one row a setting, one column an evaluation."""
        ids = [each["id"] for each in self.detail["evaluations"]]
        rows = {each["setting"]: each["values"] for each in self.detail["apart"]}
        return pd.DataFrame.from_dict(rows, orient="index", columns=ids, dtype=TEXT).rename_axis("setting")

    def faithfulness(self) -> pd.DataFrame:
        """What is stored of evaluation.faithfulness() for each of them: a row an evaluation, test and share of the reasoning.
        `attrs["area_over_curve"]` has the numbers by evaluation and test.
        """
        found = self._reasoning()["evaluations"]
        rows = [{**self._who(at), **row} for at, each in enumerate(found) for row in _curves(each)]
        curves = frame(rows, WHO | FAITHFULNESS)
        curves.attrs["area_over_curve"] = {
            each["evaluation"]: {curve["test"]: curve["area_over_curve"] for curve in each["curves"]} for each in found
        }
        return curves

    def reasoning_pairs(self) -> pd.DataFrame:
        """One row each two ways in which the same questions were answered: by an evaluation as it stands (reasoning_a), or with its
        reasoning taken away and the letter asked for at once. Columns as in `pairs`; only questions that evaluation.faithfulness()
        looked at count, which items says.
        """
        rows = [
            {f"{of}_{side}": pair[side][of] for side in ("a", "b") for of in ("evaluation", "reasoning")}
            | {"items": pair["items"]}
            | pair["test"]
            for pair in self._reasoning()["pairs"]
        ]
        return frame(rows, REASONING_PAIRS)

    def _reasoning(self) -> dict[str, Any]:
        return ask(self._client, "evals.compareFaithfulness", ids=[each["id"] for each in self.detail["evaluations"]])

    def questions(self) -> pd.DataFrame:
        """One row a question that all answered, with every answer to it: A_evaluation, A_strict, A_correct, A_text, ..., B_text, ..."""
        first, *others = [each["id"] for each in self.detail["evaluations"]]
        rows: list[dict[str, Any]] = []
        while len(rows) < self.items:
            query = {"beside": others, "shared": True, "limit": ANSWERS_A_PAGE, "offset": len(rows)}
            page = ask(self._client, "evals.answers", first, **query)["answers"]
            if not page:  # answers went since
                break
            rows += [_side_by_side({first: one, **one["others"]}, [first, *others]) for one in page]
        letters = ascii_uppercase[: 1 + len(others)]
        types = {f"{letter}_{key}": {"evaluation": TEXT, **COLUMNS}[key] for letter in letters for key in ("evaluation", *OF_AN_ANSWER)}
        return frame(rows, {key: COLUMNS[key] for key in OF_THE_QUESTION} | types)

    def _who(self, at: int) -> dict[str, Any]:
        each = self.detail["evaluations"][at]
        return {"evaluation": each["id"], "name": each["name"]}

    def _pairs(self, cells: Callable[[dict[str, Any]], dict[str, Any]], types: Columns) -> pd.DataFrame:
        names = {each["id"]: each["name"] for each in self.detail["evaluations"]}
        rows = [
            {"a": pair["a"], "b": pair["b"], "name_a": names[pair["a"]], "name_b": names[pair["b"]], "items": self.items, **cells(pair)}
            for pair in self.detail["pairs"]
        ]
        return frame(rows, {**TOLD_APART, **types})

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.detail['evaluations'])} evaluations on {self.items} questions, {self.reading}>"

    def _repr_html_(self) -> str:
        return f"<p>{self.items} questions that all of them answered</p>{self.summary.to_html()}{self.pairs.to_html()}"


def compare(client: Requests, evaluations: Sequence[Any], reading: str) -> Comparison:
    ids = texts(evaluations, "evaluations")
    if len(ids) < 2:
        raise WorkbenchError("EVAL_COMPARE", "compare takes two or more evaluations", "c.evaluations() lists them.")
    if reading not in READINGS:
        raise WorkbenchError("EVAL_COMPARE", f"reading is {reading!r}", f"Give one of {', '.join(READINGS)}.")
    return Comparison(client, ask(client, "evals.compare", ids=ids), reading)


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


def _curves(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a test and share of the reasoning."""
    return [
        {"test": curve["test"], "share": point["share"]}
        | {name: point[name]["rate"] for name in ("same", "right")}
        | {f"{name}_{end}": point[name][end] for name in ("same", "right") for end in ("low", "high")}
        | {"answers": point["same"]["total"]}
        for curve in found["curves"]
        for point in curve["points"]
    ]


def _share(share: dict[str, Any]) -> str:
    return "-" if share["rate"] is None else f"{share['rate']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"


OF_THE_QUESTION = ("item_id", "modality", "question_type", "dataset", "question", "options", "answer", "image")
OF_AN_ANSWER = ("strict", "tolerant", "correct", "correct_tolerant", "text", "tokens", "finish_reason")


def _side_by_side(said: Mapping[str, dict[str, Any]], ids: Sequence[str]) -> dict[str, Any]:
    """A row for one question: what is known of it, then each evaluation's answer under its letter."""
    answers = {letter: _answer(said[each]) | {"evaluation": each} for letter, each in zip(ascii_uppercase, ids, strict=False)}
    question = next(iter(answers.values()))
    return {key: question[key] for key in OF_THE_QUESTION} | {
        f"{letter}_{key}": answer[key] for letter, answer in answers.items() for key in ("evaluation", *OF_AN_ANSWER)
    }


def _share_of(share: dict[str, Any]) -> dict[str, Any]:
    return {key: share[key] for key in ("right", "total", "rate", "low", "high")}


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
