"""Searches over everything that runs said, as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from .ask import ask
from .backend import PATIENT
from .frames import ANY, NUMBER, TEXT, TRUTH, WHOLE, frame
from .needs import Requests
from .values import plain, texts

A_PAGE = 500
# And a column `reward/<name>` for each function that scored a completion of the answer.
COLUMNS = {
    "run": TEXT,
    **dict.fromkeys(("step", "group", "index"), WHOLE),
    **dict.fromkeys(("sampled_by", "dataset", "item_id", "image", "question"), TEXT),
    "options": ANY,
    **dict.fromkeys(("answer", "modality", "question_type", "text"), TEXT),
    "tokens": WHOLE,
    "finish_reason": TEXT,
    **dict.fromkeys(("reward", "advantage"), NUMBER),
    "prediction": TEXT,
    "correct": TRUTH,
    "reading": TEXT,
    "flags": ANY,
    "beats_prior": TRUTH,
    "similarity": NUMBER,
    "tags": ANY,
    "note": TEXT,
}

Range = tuple[float | None, float | None]
# First and last step, both included, or one step.
Steps = tuple[int, int] | int


def search(
    client: Requests,
    runs: Any,
    text: str = "",
    *,
    regexp: bool = False,
    case: bool = False,
    first: int | None = None,
    last: int | None = None,
    items: Any = None,
    question: str | None = None,
    modality: Any = None,
    question_type: Any = None,
    reward: Range | None = None,
    rewards: Mapping[str, Range] | None = None,
    advantage: Range | None = None,
    tokens: Range | None = None,
    finish: Any = None,
    verdict: Any = None,
    letters: Any = None,
    flags: Any = None,
    tags: Any = None,
    near: Mapping[str, Any] | pd.Series | None = None,
    similarity: float | None = None,
    sort: str | None = None,
    ascending: bool = False,
    limit: int | None = 1000,
) -> pd.DataFrame:
    """One row a completion, newest first unless `sort` (step, reward, advantage, tokens) and `ascending` say otherwise.

    text: words, all of which must stand in it: `cell "optic disc" -glioma hemorr* OR bleed*`. With `regexp` a regular expression of
    JavaScript, tried on each completion by itself; `case` makes it tell A from a.
    first, last: steps, both included. reward, advantage, tokens: (least, largest), None for no bound; rewards: the same by function.
    verdict: right, wrong, unknown, under the reading that the column `reading` names. letters: A, B, ...; "none", "other".
    finish: stop, length, other. flags: repeats, no-answer, think-disagrees, beats-prior. tags: what people noted.
    near: a row of rollouts() or search(), or a dict with step, group, index: completions that share `similarity` (.7) of their
    three-word stretches with it.
    limit: rows at most; None for all.
    """
    several = {"items": items, "modality": modality, "question_type": question_type, "finish": finish, "verdict": verdict}
    several |= {"letters": letters, "flags": flags, "tags": tags}
    asked = texts(runs, "runs")
    body: dict[str, Any] = {
        "runs": asked,
        "text": text,
        "mode": "regexp" if regexp else "words",
        "case": case,
        "from": first,
        "to": last,
        "question": question,
        "reward": _range(reward),
        "advantage": _range(advantage),
        "tokens": _range(tokens),
        "rewards": None if rewards is None else {name: _range(bounds) for name, bounds in rewards.items()},
        "near": None if near is None else _place(near, asked[0]),
        "similarity": similarity,
        "sort": sort,
        "ascending": ascending,
        "whole": True,
        **{key: None if value is None else texts(value, key) for key, value in several.items()},
    }
    body = {key: value for key, value in body.items() if value is not None}
    rows: list[dict[str, Any]] = []
    while limit is None or len(rows) < limit:
        body["limit"] = A_PAGE if limit is None else min(A_PAGE, limit - len(rows))
        page = ask(client, "search.find", body=body, timeout=PATIENT)
        rows += [_row(hit) for hit in page["hits"]]
        if page["next"] is None:
            break
        body["cursor"] = page["next"]
    scored = dict.fromkeys((name for row in rows for name in row if name.startswith("reward/")), NUMBER)
    return frame(rows, {**COLUMNS, **scored})


def _range(bounds: Range | Sequence[float | None] | None) -> dict[str, Any] | None:
    if bounds is None:
        return None
    least, largest = bounds
    return {key: value for key, value in (("min", least), ("max", largest)) if value is not None}


def _place(near: Mapping[str, Any] | pd.Series, run: str) -> dict[str, Any]:
    place = {key: int(near[key]) for key in ("step", "group", "index")}
    return {"run": plain(near["run"]) if "run" in near else run, **place}


def _row(hit: dict[str, Any]) -> dict[str, Any]:
    return hit | {f"reward/{name}": value for name, value in hit["rewards"].items()}


def question(client: Requests, run: str, item: Any, dataset: str | None) -> pd.DataFrame:
    curve = ask(client, "search.question", run, item=item, dataset=dataset)
    points = curve.pop("points")
    rows = [
        {
            **{key: point[key] for key in ("step", "group", "sampled_by", "completions", "right", "judged")},
            "rate": point["right"] / point["judged"] if point["judged"] else None,
            **{key: point[key] for key in ("low", "high", "reading", "reward", "tokens")},
            "letters": point["letters"],
        }
        for point in points
    ]
    found = frame(rows, POINTS)
    found.attrs["question"] = curve
    return found


POINTS = {
    **dict.fromkeys(("step", "group"), WHOLE),
    "sampled_by": TEXT,
    **dict.fromkeys(("completions", "right", "judged"), WHOLE),
    **dict.fromkeys(("rate", "low", "high"), NUMBER),
    "reading": TEXT,
    **dict.fromkeys(("reward", "tokens"), NUMBER),
    "letters": ANY,
}
PHRASE = {
    "text": TEXT,
    **dict.fromkeys(("before", "after"), WHOLE),
    **dict.fromkeys(("share_before", "share_after", "log_odds", "design_effect", "p", "q"), NUMBER),
}
FAMILY = {
    "run": TEXT,
    **dict.fromkeys(("step", "group", "index"), WHOLE),
    "text": TEXT,
    **dict.fromkeys(("completions", "texts", "questions", "from", "to", "judged", "right"), WHOLE),
    "reward": NUMBER,
    "reading": TEXT,
}


class Phrases(NamedTuple):
    """What Run.phrases() found. `tested`: phrases that enough completions say; each q is a false discovery rate among those. `every`: one
    step in so many was read. p and q allow for completions of one group being alike, by the design effect.
    """

    grew: pd.DataFrame
    vanished: pd.DataFrame
    tested: int
    before: dict[str, int]
    after: dict[str, int]
    every: int


def phrases(client: Requests, run: str, before: Steps, after: Steps, **settings: float) -> Phrases:
    body = {"run": run, "before": _steps(before), "after": _steps(after), **settings}
    found = ask(client, "search.phrases", body=body, timeout=PATIENT)
    sizes = {side: max(1, found[side]["completions"]) for side in ("before", "after")}

    def shares(rows: list[dict[str, Any]]) -> pd.DataFrame:
        return frame([{**row, **{f"share_{side}": row[side] / size for side, size in sizes.items()}} for row in rows], PHRASE)

    return Phrases(shares(found["grew"]), shares(found["vanished"]), found["tested"], found["before"], found["after"], found["every"])


def families(client: Requests, run: str, first: int | None, last: int | None, similarity: float, limit: int) -> pd.DataFrame:
    body = {"run": run, "from": first, "to": last, "similarity": similarity, "limit": limit}
    body = {key: value for key, value in body.items() if value is not None}
    found = ask(client, "search.families", body=body, timeout=PATIENT)
    rows = [{**family.pop("first"), **family, "reading": found["reading"]} for family in found["families"]]
    told = frame(rows, FAMILY)
    told.attrs |= {key: found[key] for key in ("total", "alone", "completions", "stopped_at")}
    return told


def _steps(steps: Any) -> dict[str, int]:
    first, last = (steps, steps) if not isinstance(steps, Sequence) else steps
    return {"from": plain(first), "to": plain(last)}
