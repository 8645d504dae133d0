"""Keywords are spelt out where a notebook looks for them, and what a notebook holds can go to another process."""

import inspect
import pickle

import medr1_workbench as wb
import pytest
from medr1_workbench.client import Client
from medr1_workbench.configuration import BesidesVariant, Configuration, LiveSettings
from medr1_workbench.dataset import OTHERS, Dataset, Filters
from medr1_workbench.protocol import FACETS


def names(function):
    return list(inspect.signature(function).parameters)


def test_the_filters_that_are_spelt_out_are_those_that_are_taken():
    assert set(inspect.get_annotations(Filters)) == {*FACETS, *OTHERS, "facets"}


@pytest.mark.parametrize(
    ("function", "some"),
    [
        (Dataset.rows, ["self", "limit", "modality", "q"]),
        (Dataset.where, ["self", "split"]),
        (Client.dataset, ["self", "name", "modality"]),
        (Client.search, ["client", "runs", "text", "regexp", "verdict"]),
        (Client.train, ["self", "config", "start", "learning_rate", "variant"]),
        (Client.train_pair, ["self", "config", "variants", "learning_rate"]),
        (Client.sweep, ["self", "config", "seed"]),
        (Client.check, ["self", "config", "deep", "beta"]),
        (Client.estimate, ["self", "config", "num_generations"]),
        (Client.demo, ["self", "variant", "max_steps"]),
        (Client.set_alerts, ["self", "thresholds", "webhook"]),
        (wb.Run.fork, ["self", "step", "rewards", "beta"]),
        (wb.Run.set, ["self", "settings", "reason", "learning_rate"]),
        (wb.Run.phrases, ["self", "before", "after", "fdr"]),
        (wb.Run.search, ["self", "text", "regexp", "verdict"]),
        (Client.evaluate_async, ["self", "run", "dataset", "split", "controls"]),
        (Client.generate_async, ["self", "question", "temperature"]),
        (Client.add_dataset_async, ["self", "folder", "images"]),
        (wb.generate, ["question", "temperature", "image"]),
        (wb.dataset, ["name", "modality"]),
    ],
)
def test_a_notebook_sees_what_can_be_given(function, some):
    assert set(some) <= set(names(function))
    assert not any(each.kind is each.VAR_KEYWORD for each in inspect.signature(function).parameters.values())


# What a dict of JSON or a table of pandas cannot say more of.
OPEN = {"Client.request", "Selection.keys", "Selection.values", "Selection.items", "Selection.get"}


@pytest.mark.parametrize("owner", [Client, wb.Run, Dataset, wb.Evaluation, wb.Comparison, wb.Generation, wb.Group])
def test_every_method_says_what_it_returns(owner):
    own = {name: each for name, each in vars(owner).items() if not name.startswith("_") and inspect.isfunction(each)}
    silent = [
        f"{owner.__name__}.{name}"
        for name, each in own.items()
        if inspect.signature(each).return_annotation in ("Any", inspect.Signature.empty)
    ]
    assert set(silent) <= OPEN


def test_the_keys_of_a_run_are_those_of_its_schema():
    """Type checkers read them from annotations, which cli/docs.ts writes."""
    annotations = inspect.get_annotations(Configuration)
    assert {"learning_rate", "variant", "reward_funcs"} <= set(annotations)
    assert set(inspect.get_annotations(LiveSettings)) <= set(annotations)
    assert set(annotations) - set(inspect.get_annotations(BesidesVariant)) == {"variant"}


def test_a_module_function_is_the_method_over_the_backend_here(monkeypatch):
    asked = []

    class Here:
        def request(self, method, path, body=None, **query):
            asked.append((method, path, body))
            return {"datasets": [{"name": "made", "dir": "/made"}]}

    monkeypatch.setattr(wb, "here", Here)
    assert wb.dataset("made", modality="CT").query == {"facets": {"modality": ["CT"]}}
    assert asked[0][1] == "/data"
    with pytest.raises(TypeError, match="temperatur"):
        wb.generate("what?", temperatur=1)


def test_a_run_goes_to_another_process_which_connects_anew(monkeypatch):
    from medr1_workbench import client as module

    given = []

    class Answers:
        def __init__(self, *args, **more):
            pass

        def request(self, *args, **more):
            raise AssertionError("nothing is asked on the way")

    def connect(*how):
        given.append(how)
        return Client(Answers(), again=how)

    run = wb.Run(Client(Answers(), again=("http://host/", "secret", True)), {"id": "r1"})
    monkeypatch.setattr(module, "connect", connect)
    connect.__module__, connect.__qualname__ = module.__name__, "connect"
    again = pickle.loads(pickle.dumps(run))
    assert (again, given) == (run, [("http://host/", "secret", True)])


class Facets:
    def __init__(self, total=0):
        self.total = total

    def request(self, method, path, body=None, **query):
        if path.endswith("/columns"):
            return [{"total": 0}, {"end": 0}]
        return {"facets": {"modality": {"CT(Computed Tomography)": 3, "X-Ray": 2}, "tag": {}}}


def test_no_question_because_of_a_value_that_is_written_otherwise_is_told():
    data = Dataset(Facets(), "made")
    with pytest.warns(UserWarning, match="'Ct'; did you mean CT.Computed Tomography"):
        assert data.rows(modality="Ct").empty
    with pytest.warns(UserWarning, match="did you mean X-Ray"):
        data.rows(modality=["xray", "X-Ray"])
    with pytest.warns(UserWarning, match="it has CT"):
        data.rows(modality="zzz")


def test_no_question_for_another_reason_is_not_warned_of(recwarn):
    assert Dataset(Facets(), "made").rows(modality="X-Ray", q="nothing").empty
    assert Dataset(Facets(), "made").rows(modality="Ct", limit=0).empty
    assert not recwarn.list


def test_a_keyword_that_is_no_filter_names_the_nearest():
    with pytest.raises(TypeError, match="did you mean modality"):
        Dataset(Facets(), "made").rows(modalty="CT")
