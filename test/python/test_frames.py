"""Columns have the same types whatever the rows are, and names that are not there are answered with those that are."""

import math

import medr1_workbench as wb
import pytest
from medr1_workbench.alerts import alert_frame
from medr1_workbench.evaluation import Comparison
from medr1_workbench.frames import ANY, NUMBER, TEXT, TRUTH, WHOLE_OR_NONE
from medr1_workbench.group import Group
from medr1_workbench.names import alike, unknown_metric
from medr1_workbench.runs import kind_of, metrics_of, table_of
from medr1_workbench.search import families, phrases, question

KNOWN = ["reward", "reward_std", "kl", "entropy", "loss", "rewards/accuracy/mean", "rewards/format/mean", "completions/mean_length"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("rewrd", "reward"),
        ("Reward", "reward"),
        ("accuracy", "rewards/accuracy/mean"),
        ("completions/mean_lenght", "completions/mean_length"),
        ("mean length", "completions/mean_length"),
    ],
)
def test_the_nearest_metric_is_named_first(asked, near):
    assert alike(asked, KNOWN)[0] == near


def test_an_unknown_metric_names_the_nearest_the_first_few_and_how_to_list_all():
    (text,) = unknown_metric("rewrd", KNOWN, "run r1", "run.metrics().columns").args
    assert "did you mean reward" in text
    assert "It has kl, loss, reward, entropy, reward_std and 3 more: run.metrics().columns has them all" in text
    assert "completions/mean_length" not in text
    (far,) = unknown_metric("zzz", KNOWN, "run r1", "x").args
    assert "did you mean" not in far
    (none,) = unknown_metric("reward", [], "run r1", "x").args
    assert "none is logged yet" in none


class Answers:
    """A client whose every request has this answer."""

    def __init__(self, answer):
        self.answer = answer

    def request(self, *_, **__):
        return self.answer


class Logged:
    """A run as a table of many reads it."""

    def __init__(self, run, metrics, **config):
        self.id, self._config, self._metrics = run, config, metrics
        self._last = {"name": run}

    def metrics(self):
        table = {"step": [1], "time": [0], "metrics": {name: [value] for name, value in self._metrics.items()}}
        return wb.Run(Answers(table), {"id": self.id}).metrics()

    def detail(self):
        summary = dict.fromkeys(("name", "state", "trainer", "variant", "parent"), "x")
        summary |= {"id": self.id, "step": 1, "total_steps": 2, "created_at": 0, "annotations": {"tags": [], "notes": ""}}
        return {"summary": summary, "config": self._config}


def test_metrics_of_many_runs_name_one_that_none_has():
    runs = [Logged("a", {"reward": 1.0}), Logged("b", {"kl": None})]
    assert list(metrics_of(runs, ["reward", "kl"]).columns) == ["run", "name", "step", "time", "reward", "kl"]
    with pytest.raises(KeyError, match="did you mean reward"):
        metrics_of(runs, "rewrd")


def test_an_infinity_that_a_step_logged_is_no_missing_value():
    table = {
        "step": [3, 4, 5],
        "time": [0, 0, 0],
        "metrics": {"loss": [None, 1.0, None]},
        "non_finite": {"loss": [[3, "-Infinity"], [5, "NaN"]]},
    }
    logged = wb.Run(Answers(table), {"id": "a"}).metrics()
    assert logged["loss"].tolist()[:2] == [-math.inf, 1.0]
    assert math.isnan(logged["loss"][5])
    assert logged["loss"].dtype == "float64"


SCHEMA = {
    "properties": {
        "beta": {"type": "number"},
        "max_steps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "variant": {"enum": ["think", "no-think"]},
        "use_peft": {"type": "boolean"},
        "modality": {"anyOf": [{"type": "string"}, {"type": "array"}]},
    }
}


def test_settings_in_a_table_of_runs_have_the_types_of_the_schema():
    kinds = {key: kind_of(part) for key, part in SCHEMA["properties"].items()}
    assert kinds == {"beta": NUMBER, "max_steps": WHOLE_OR_NONE, "variant": TEXT, "use_peft": TRUTH, "modality": ANY}
    some = {"beta": 0, "max_steps": 5, "variant": "think", "use_peft": True, "modality": ["CT"]}
    others = {"beta": 0.04, "max_steps": None, "variant": "no-think", "use_peft": False, "modality": "CT", "gone": 1}
    whole, partly = table_of([Logged("a", {"reward": 1}, **some)], SCHEMA), table_of([Logged("b", {"reward": None}, **others)], SCHEMA)
    shared = [name for name in whole.columns if name in partly.columns]
    assert {"config/beta", "config/max_steps", "reward"} <= set(shared)
    assert whole[shared].dtypes.equals(partly[shared].dtypes)
    empty = table_of([], SCHEMA).dtypes
    assert empty.equals(whole.dtypes[empty.index])
    assert partly.loc["b", "config/gone"] == 1


def test_what_a_search_a_group_and_alerts_find_has_its_columns_also_where_there_is_nothing():
    nothing = {"grew": [], "vanished": [], "tested": 0, "before": {"completions": 0}, "after": {"completions": 0}, "every": 1}
    grown = {**nothing, "grew": [{"text": "a", "before": 0, "after": 2, "log_odds": 1, "design_effect": 1, "p": 0, "q": 0}]}
    first, then = (phrases(Answers(one), "r1", 1, 2) for one in (nothing, grown))
    assert first.grew.dtypes.equals(then.grew.dtypes)
    place = {"run": "r1", "step": 1, "group": 0, "index": 0}
    counts = {"completions": 2, "texts": 1, "questions": 1, "from": 1, "to": 2, "judged": 0, "right": 0}
    told = {"reading": "exact", "total": 1, "alone": 0, "completions": 2, "stopped_at": None}
    none = families(Answers({**told, "families": []}), "r1", None, None, 0.7, 5)
    one = families(Answers({**told, "families": [{"first": place, "text": "t", "reward": None, **counts}]}), "r1", None, None, 0.7, 5)
    assert none.dtypes.equals(one.dtypes)
    asked = {"step": 1, "group": 0, "sampled_by": None, "completions": 4, "right": 0, "judged": 0, "low": None, "high": None}
    point = {**asked, "reading": "exact", "reward": None, "tokens": 3, "letters": {}}
    never, once = (question(Answers({"item_id": "i", "points": points}), "r1", "i", None) for points in ([], [point]))
    assert never.dtypes.equals(once.dtypes)
    assert never.attrs["question"] == {"item_id": "i"}
    body = {"step": 1, "group": 0, "item_id": "i", "question": "q", "options": [], "answer": None, "image": None, "completions": []}
    assert Group(None, "r1", body).completions.dtypes["correct"] == TRUTH
    assert alert_frame([]).dtypes["since"] == "int64"


SHARE = {"right": 1, "total": 2, "rate": None, "low": None, "high": None}


def test_a_comparison_has_its_columns_also_of_evaluations_without_samples_and_slices():
    both = {"letter": {"same": 1, "rate": 1, "kappa": None}, "verdict": {"same": 1, "rate": 0.5, "kappa": 0}}
    tests = {"both": 1, "only_a": 0, "only_b": 0, "neither": 1, "difference": 0, "p": 1, "p_holm": 1}
    report = {"strict": SHARE, "mean_tokens": 3, "tokens_per_correct": None, "by_modality": {}, "by_question_type": {}, "by_dataset": {}}
    detail = {
        "items": 0,
        "evaluations": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
        "reports": [report, report],
        "questions": [{"unanswered": 0, "unshared": 0, "changed": 0}] * 2,
        "pairs": [{"a": "a", "b": "b", "strict": tests, "agreement": {"strict": both}}],
        "votes": [None, None],
        "apart": [],
    }
    some, none = Comparison(None, detail, "strict"), Comparison(None, {**detail, "pairs": [], "reports": [], "votes": []}, "strict")
    for name in ("summary", "pairs", "agreement", "votes", "slices"):
        assert getattr(some, name).dtypes.equals(getattr(none, name).dtypes), name
    assert some.summary.dtypes["rate"] == NUMBER
    assert list(some.questions().columns)[-1] == "B_finish_reason"
    assert list(some.apart.columns) == ["a", "b"]
