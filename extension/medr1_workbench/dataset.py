"""An indexed data set in a notebook: its questions as pandas DataFrames, under any filter or as they are picked in the browser."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any, TypedDict

import pandas as pd

from .ask import ask
from .cells import LiveItems
from .errors import WorkbenchError
from .frames import ANY, TEXT, TIME, TRUTH, WHOLE, WHOLE_OR_NONE, frame, frame_of
from .names import alike
from .needs import Requests
from .pausing import GivenUp, pause
from .progress import Progress
from .protocol import FACETS
from .run import Run
from .signatures import keywords_of
from .values import plain, seconds, text, texts

if TYPE_CHECKING:
    from typing_extensions import Unpack

Texts = str | Iterable[str]


class Filters(TypedDict, total=False):
    """What narrows and orders a data set; Dataset says what each is."""

    q: str | None
    modality: Texts | None
    question_type: Texts | None
    dataset: Texts | None
    split: Texts | None
    tag: Texts | None
    options: Texts | int | Iterable[int] | None
    answer: Texts | None
    problem: Texts | None
    ids: Texts | None
    image: str | None
    runs: str | Run | Iterable[str | Run] | None
    facets: Mapping[str, Texts] | None
    sort: str | None
    descending: bool | None


OTHERS = ("q", "ids", "image", "runs", "sort", "descending")
SHOWN = 5
POLL_S = 0.2
MOST_TRIES = 3
# Columns of every frame of questions, also of an empty one.
COLUMNS = {
    "id": TEXT,
    "dataset": TEXT,
    "image": TEXT,
    "question": TEXT,
    "options": ANY,
    "answer": TEXT,
    "modality": TEXT,
    "question_type": TEXT,
    "problem": TEXT,
    "splits": ANY,
    "tags": ANY,
    "note": TEXT,
    "sha256": TEXT,
    "width": WHOLE_OR_NONE,
    "height": WHOLE_OR_NONE,
}
NOTES = {"item": TEXT, "tags": ANY, "note": TEXT, "author": TEXT, "updated_at": TIME}
ANSWERS = {
    "run": TEXT,
    "run_name": TEXT,
    "variant": TEXT,
    "step": WHOLE,
    "source": TEXT,
    "group": WHOLE_OR_NONE,
    "reading": TEXT,
    "text": TEXT,
    "prediction": TEXT,
    "correct": TRUTH,
}


class Dataset:
    """Made by Client.dataset(). A filter is part of it: `.where()` narrows it, `.rows()` reads it, `.show()` sets the browser to it.

    Filters are keywords: the facets `modality`, `question_type`, `dataset` (of origin), `split`, `tag`, `options` (how many), `answer` and
    `problem` take a value or a list of values; `q` is the search box ("what kind" -lesion type:diagnosis), `ids` a list of questions,
    `image` a path or sha256, `runs` up to four runs whose answers become columns, `facets` a dict for facets such as
    {"run:<id>": ["wrong"]}; `sort` and `descending` order it.
    """

    def __init__(self, client: Requests, name: str, query: dict[str, Any] | None = None) -> None:
        self._client = client
        self.name = name
        self.query = query or {}

    def _ask(self, route: str, *parts: Any, body: Any = None, **query: Any) -> Any:
        return ask(self._client, f"data.{route}", self.name, *parts, body=body, **query)

    def _in_json(self) -> str:
        return self.name

    # What it is

    def detail(self) -> dict[str, Any]:
        """Folder, number of questions and images, every facet's values with their counts, splits with their sizes."""
        return self._ask("get")

    @property
    def root(self) -> str:
        """Folder that `image` is relative to, on the machine of the Jupyter server."""
        return self.detail()["root"]

    def __len__(self) -> int:
        return self._page(limit=1)["total"]

    def counts(self) -> dict[str, dict[str, int]]:
        """Questions by facet and value, under the filter; a facet's own choice does not narrow its counts."""
        return self._page(limit=1)["facets"]

    # Which questions

    @keywords_of(Filters)
    def where(self, **filters: Unpack[Filters]) -> Dataset:
        """The same data set under a narrower filter; a facet that is named again replaces its choice."""
        return Dataset(self._client, self.name, merge(self.query, query_of({**filters})))

    @keywords_of(Filters)
    def rows(self, *, limit: int | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
        """One row a question, at most `limit`. With `runs`, a column `run:<id>` says right, wrong or mixed; missing where it was not asked.
        The types of the columns are the same whatever the questions are: text, whole numbers that may be missing, lists. Warns where none
        passes because a value is written in another way than the data set has it.
        """
        chosen = self.where(**filters)
        types = {**COLUMNS, **{f"run:{run}": TEXT for run in chosen.query.get("runs", [])}}
        found = frame_of(chosen._columns(list(types), limit), types)
        if found.empty and limit != 0:
            chosen._warn_of_values()
        return found

    def _warn_of_values(self) -> None:
        """Names the values of facets that no question has, with those that are written alike."""
        there = self.detail()["facets"]
        for facet, values in self.query.get("facets", {}).items():
            known = list(there.get(facet, {}))
            for value in values if known else ():
                if value not in known:
                    near = alike(value, known)
                    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known[:8])}"
                    warnings.warn(f"no question of {self.name} has {facet} {value!r}; {hint}", stacklevel=3)

    df = rows

    def selection(self) -> pd.DataFrame:
        """The questions that are picked in the browser; all that pass its filter when none is picked."""
        shown = self._client.view()["data"]
        if shown["dataset"] != self.name:
            open_now = f"shows {shown['dataset']}" if shown["dataset"] else "shows no data set"
            raise WorkbenchError(
                "NO_SELECTION", f"The browser {open_now}, not {self.name}", f"Open {self.name} in the Data view, or call .show()."
            )
        return Dataset(self._client, self.name, shown["chosen"]).rows()

    def show(self) -> Dataset:
        """Sets the browser's Data view to this data set and filter. As the last expression of a cell it shows them there too, with their
        images.
        """
        self._client.move_view(data={"dataset": self.name, "query": self.query})
        return self

    @keywords_of(Filters)
    def filter(self, **filters: Unpack[Filters]) -> Dataset:
        """Narrows by these filters and sets the browser to the result."""
        return self.where(**filters).show()

    # What people note of its questions

    def tag(self, *tags: str) -> Dataset:
        """Tags every question that passes the filter: `made.where(ids=ids).tag("hard")`. A tag is a facet: `made.rows(tag="hard")`."""
        return self._note(add_tags=list(tags))

    def untag(self, *tags: str) -> Dataset:
        return self._note(remove_tags=list(tags))

    def note(self, item: str, note: str) -> Dataset:
        """Notes something on one question, in place of what was noted there; empty text takes it away."""
        return Dataset(self._client, self.name, {"ids": [text(item, "item")]})._note(note=note)

    def notes(self) -> pd.DataFrame:
        """One row a question that is tagged or noted."""
        return frame(self._ask("notes")["notes"], NOTES)

    def _note(self, **change: Any) -> Dataset:
        self._ask("note", body={"query": self.query, "author": "notebook", **change})
        return self

    # One question

    def sample(self, item: str) -> dict[str, Any]:
        """One question with its raw record, the other questions on its image, and near-duplicates."""
        return self._ask("sample", item)

    def answers(self, item: str, runs: Iterable[str | Run] | None = None) -> pd.DataFrame:
        """What runs said to a question, a row a completion, newest first."""
        said = self._ask("answers", item, runs=runs)["answers"]
        rows = [
            {**{key: value for key, value in answer.items() if key != "completions"}, **each}
            for answer in said
            for each in answer["completions"]
        ]
        return frame(rows, ANSWERS)

    def splits(self) -> dict[str, int]:
        """Questions by split."""
        return self._ask("splits")["splits"]

    def audit(self) -> dict[str, Any]:
        """Leaks from train to test, shortcuts, duplicates, and what cannot be used."""
        return self._ask("audit")

    # Pages

    def _page(self, **place: Any) -> dict[str, Any]:
        return self._ask("page", body={**self.query, **place})

    def _columns(self, names: list[str], limit: int | None) -> dict[str, list[Any]]:
        """These columns of every question once, of one state of the index: when it is made anew meanwhile, all is read again."""
        for left in reversed(range(MOST_TRIES)):
            try:
                return self._columns_once(names, limit)
            except WorkbenchError as error:
                if error.code != "DATA_CURSOR" or left == 0:
                    raise
        raise AssertionError("unreachable")

    def _columns_once(self, names: list[str], limit: int | None) -> dict[str, list[Any]]:
        most = {} if limit is None else {"limit": limit}
        lines = self._ask("columns", body={**self.query, **most})
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for block in lines[1:-1]:
            for name, values in columns.items():
                values += block[name]
        if lines[-1].get("end") != len(columns["id"]):
            raise WorkbenchError("DATA_CUT", f"The answer with the questions of {self.name} was cut off", "Ask again.")
        return columns

    # How it shows

    def _ipython_display_(self, **_: Any) -> None:
        LiveItems(self._client, self.name, self.query, self._repr_html_)._ipython_display_()

    def __repr__(self) -> str:
        return f"<Dataset {self.name!r}: {len(self)} questions{f' under {self.query}' if self.query else ''}>"

    def _repr_html_(self) -> str:
        page = self._page(limit=SHOWN)
        shown = frame(page["items"], COLUMNS)[["id", "question", "options", "answer", "modality", "question_type"]]
        head = f"<p>{escape(self.name)}: {page['total']} questions, the first {len(shown)} of them; <code>.rows()</code> gives all</p>"
        return head + shown.to_html(index=False, escape=True)


def query_of(filters: dict[str, Any]) -> dict[str, Any]:
    """Keywords as the backend's ItemQuery. TypeError names a keyword that is none."""
    facets = {text(facet): texts(values, facet) for facet, values in (filters.get("facets") or {}).items()}
    query: dict[str, Any] = {}
    for key, value in filters.items():
        if value is None or key == "facets":
            continue
        if key in FACETS:
            facets[key] = texts(value, key)
        elif key in ("runs", "ids"):
            query[key] = texts(value, key)
        elif key in OTHERS:
            query[key] = plain(value, key)
        else:
            names = (*FACETS, *OTHERS, "facets", "limit")
            near = alike(key, names)
            raise TypeError(f"{key} is no filter; {f'did you mean {near[0]}? There' if near else 'there'} are {', '.join(names)}")
    return {**query, "facets": facets} if facets else query


def merge(query: dict[str, Any], narrower: dict[str, Any]) -> dict[str, Any]:
    facets = {**query.get("facets", {}), **narrower.get("facets", {})}
    return {**query, **narrower, **({"facets": facets} if facets else {})}


def add_dataset(
    client: Requests,
    folder: str | os.PathLike[str],
    name: str | None,
    images: bool | str | os.PathLike[str],
    timeout: float | timedelta | None,
    show: bool,
) -> Dataset:
    """Indexes a folder and waits for the end of it. Interrupted, it stops the indexing; what was read stays for the next time."""
    where = {"images": images} if isinstance(images, bool) else {"images_dir": images}
    body = {"dir": folder, **where, **({"name": name} if name else {})}
    timeout = seconds(timeout)
    job = ask(client, "data.add", body=body)
    end = None if timeout is None else time.monotonic() + timeout
    with Progress(f"indexing {job['name']}", show) as bar:
        try:
            while job["state"] == "running":
                bar.update(job["done"], job["total"] or 0, job["phase"])
                if end is not None and time.monotonic() > end:
                    raise TimeoutError(
                        f"{job['name']} is being indexed: {job['phase']} {job['done']} of {job['total']} after {timeout:g} s"
                    )
                pause(POLL_S)
                job = ask(client, "data.job", job["name"])
        except (KeyboardInterrupt, GivenUp) as stop:
            ask(client, "data.stop", job["name"])
            if isinstance(stop, KeyboardInterrupt):
                raise KeyboardInterrupt(f"indexing {job['name']} was stopped; the same call goes on where it was") from None
            raise
        bar.update(job["done"], job["total"] or 0, job["state"])
    if job["state"] != "done":
        error = job["error"] or {"code": "DATA_STOPPED", "message": f"indexing {job['name']} was stopped", "remedy": "Start it again."}
        raise WorkbenchError(error["code"], error["message"], error["remedy"])
    return Dataset(client, job["name"])
