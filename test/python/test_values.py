"""What a notebook holds, as the backend gets it."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import httpx
import medr1_workbench as wb
import numpy as np
import pandas as pd
import pytest
from medr1_workbench.run import Run
from medr1_workbench.values import part, plain, query, seconds, texts


class Trainer(Enum):
    GRPO = "grpo"


class Steps(IntEnum):
    LAST = 60


FRAME = pd.DataFrame({"reward": [0.25, 1.5, 0.5], "item": ["a", "b", "c"], "gap": [1, None, 3]}, index=pd.Index([10, 11, 12], name="step"))

SAME = [
    (FRAME["reward"].idxmax(), 11),
    (np.int64(3), 3),
    (np.uint8(3), 3),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.array(4), 4),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (FRAME["item"], ["a", "b", "c"]),
    (FRAME.index, [10, 11, 12]),
    (FRAME["item"].astype("category").cat.categories, ["a", "b", "c"]),
    (FRAME["item"].unique(), ["a", "b", "c"]),
    (pd.array([1, 2], dtype="Int64"), [1, 2]),
    (pd.array([1, 2], dtype="Int64")[0], 1),
    (FRAME["gap"].iloc[2], 3.0),
    (Path("models") / "tiny", "models/tiny"),
    (PurePosixPath("/data"), "/data"),
    (pd.Timestamp("2026-11-28 10:00", tz="UTC"), "2026-11-28T10:00:00+00:00"),
    (datetime(2026, 11, 28, 10, tzinfo=UTC), "2026-11-28T10:00:00+00:00"),
    (np.datetime64("2026-11-28T10:00"), "2026-11-28T10:00:00"),
    (date(2026, 11, 28), "2026-11-28"),
    (pd.Timedelta("5min"), 300.0),
    (np.timedelta64(2, "m"), 120.0),
    (timedelta(seconds=3), 3.0),
    (Decimal("0.1"), 0.1),
    (Trainer.GRPO, "grpo"),
    (Steps.LAST, 60),
    ((1, 2), [1, 2]),
    ({"a": np.int64(1), np.int64(2): Path("x")}, {"a": 1, "2": "x"}),
    (MappingProxyType({"a": [np.float64(1.5)]}), {"a": [1.5]}),
    (range(3), [0, 1, 2]),
    ((str(n) for n in (1, 2)), ["1", "2"]),
    (None, None),
]


@pytest.mark.parametrize("given, expected", SAME, ids=lambda value: type(value).__name__)
def test_a_value_of_a_notebook_is_json(given, expected):
    got = plain(given)
    assert got == expected
    assert type(got) is type(expected)
    json.dumps(got, allow_nan=False)


@pytest.mark.parametrize(
    "given, place",
    [
        ({"selection": {"step": float("nan")}}, "selection.step is NaN"),
        ({"ids": ["a", np.nan]}, "ids[1] is NaN"),
        ({"step": pd.NA}, "step is <NA>"),
        ({"at": pd.NaT}, "at is NaT"),
        ({"at": np.datetime64("NaT")}, "at is NaT"),
        ({"config": {"beta": np.float32("inf")}}, "config.beta is inf"),
    ],
)
def test_what_is_missing_by_accident_is_refused_by_its_place(given, place):
    with pytest.raises(ValueError) as caught:
        plain(given)
    assert place in str(caught.value)
    assert "give a" in str(caught.value)


@pytest.mark.parametrize("given", [b"bytes", object(), pd.DataFrame({"a": [1]})])
def test_what_has_no_form_in_json_is_refused_by_its_type(given):
    with pytest.raises(TypeError, match=f"config.model is a {type(given).__name__}"):
        plain({"config": {"model": given}})


def test_facets_ids_paths_and_queries_are_text():
    assert texts(FRAME["gap"].dropna()) == ["1", "3"]
    assert texts(np.int64(4)) == ["4"]
    assert texts("X-Ray") == ["X-Ray"]
    assert texts({"only"}) == ["only"]
    assert part(Path("a/b c")) == "a%2Fb%20c"
    assert query({"step": np.float64(3), "names": FRAME["item"], "all": np.bool_(False), "none": None}) == {
        "step": "3",
        "names": "a,b,c",
        "all": "false",
    }
    assert [seconds(each) for each in (None, 3, np.float32(0.5), pd.Timedelta("1min"))] == [None, 3, 0.5, 60]


@pytest.fixture
def sent():
    """A client whose backend writes down what it is asked."""
    requests = []

    def answer(request):
        requests.append((request.method, str(request.url.raw_path, "ascii"), json.loads(request.content) if request.content else None))
        if request.url.path.endswith("/columns"):  # lines, not one document
            return httpx.Response(200, text='{"total": 0}\n{"end": 0}\n', headers={"content-type": "application/x-ndjson"})
        return httpx.Response(200, json=ANSWER)

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://localhost/api")
    return wb.Client(http), requests


SUMMARY = {"id": "r1", "state": "done", "step": 3, "total_steps": 3, "name": "r1", "reward": None, "error": None}
# What all these calls read of an answer.
ANSWER = {
    **SUMMARY,
    "datasets": [{"name": "wild", "dir": "/data/wild"}],
    **{"items": [], "total": 0, "cursor": None, "facets": {}, "groups": [], "answers": [], "metrics": {}, "step": [], "time": []},
    **{"run": None, "model": "m", "variant": "think", "seconds": 0.1, "reading": "exact", "prompt": {}, "completions": []},
    **{"config": {}, "state": "done", "done": 0, "name": "wild", "error": None, "summary": SUMMARY},
    **{"revisions": [{"revision": 1, "weights": {"format": 1}}], "metric_names": ["reward", "a", "b", "c"]},
}


def test_the_client_takes_them_wherever_a_number_a_text_or_a_path_is_taken(sent):
    client, requests = sent
    run = Run(client, SUMMARY)
    client.selection = {"step": FRAME["reward"].idxmax(), "runs": [run], "dataset": wb.Dataset(client, "wild")}
    client.selection = {"runs": run}
    client.train({"max_steps": np.int64(3)}, model_name_or_path=Path("/models/tiny"), reward_funcs=[Path("/nowhere/mine.ts")])
    client.run(np.int64(7))
    client.dataset(Path("/data/wild"), ids=FRAME["item"], options=FRAME["gap"].iloc[0]).rows(limit=np.int64(5))
    client.add_dataset(Path("/data/wild"), timeout=pd.Timedelta("1min"))
    client.generate(item="i", dataset=wb.Dataset(client, "wild"), run=run, step=np.int64(2), image=Path("a.png"))
    run.metrics(FRAME["item"], first=np.int64(1))
    run.metrics("reward")
    run.rollouts(np.float64(2))
    run.wait(step=np.int64(1), timeout=np.float32(1))
    run.set_reward_weights({np.str_("format"): np.float32(0.5)})
    bodies = [(path, body) for _, path, body in requests]
    assert bodies[:3] == [
        ("/api/view", {"by": "notebook", "selection": {"step": 11, "runs": ["r1"], "dataset": "wild"}}),
        ("/api/view", {"by": "notebook", "selection": {"runs": ["r1"]}}),
        (
            "/api/runs",
            {
                "config": {"max_steps": 3, "model_name_or_path": "/models/tiny", "reward_funcs": ["/nowhere/mine.ts"]},
                "reward_files": {},
                "start": True,
            },
        ),
    ]
    assert ("/api/runs/7", None) in bodies
    assert ("/api/data/wild/columns", {"ids": ["a", "b", "c"], "facets": {"options": ["1"]}, "limit": 5}) in bodies
    assert ("/api/data", {"dir": "/data/wild", "images": True}) in bodies
    assert ("/api/generate", {"item": "i", "dataset": "wild", "run": "r1", "step": 2, "image": "a.png"}) in bodies
    assert ("/api/runs/r1/metrics?names=a%2Cb%2Cc&from=1", None) in bodies
    assert ("/api/runs/r1/metrics?names=reward", None) in bodies
    assert any(path.startswith("/api/runs/r1/groups?") and "step=2" in path.split("&") for path, _ in bodies)
    assert bodies[-1][1]["weights"] == {"format": 0.5}
