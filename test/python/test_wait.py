"""Waiting for runs and evaluations, against a backend that says what the test wants it to."""

import medr1_workbench as wb
import pytest
from medr1_workbench import stored as module
from medr1_workbench.evaluation import Evaluation
from medr1_workbench.run import Run

SUMMARY = {"id": "r1", "name": "one", "state": "running", "step": 1, "total_steps": 4, "reward": None, "error": None, "parent": None}
OTHER = {**SUMMARY, "id": "r2", "name": "two", "state": "paused"}
DOWN = wb.WorkbenchError("BACKEND_DOWN", "The backend does not answer", "Wait")


class Backend:
    """Answers with one summary after another, the last for good; an error is raised."""

    def __init__(self, *answers, others=()):
        self.answers = list(answers)
        self.others = list(others)

    def request(self, method, path, body=None, **query):
        if path == "/runs":
            return {"runs": self.others}
        if path.endswith("/actions"):
            return {**SUMMARY, "state": "queued"}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"summary": answer}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "POLL_S", 0.001)
    monkeypatch.setattr(module, "GRACE_S", 5)


def at(state, step=1, **more):
    return {**SUMMARY, "state": state, "step": step, **more}


def test_a_backend_that_is_started_again_is_waited_for():
    run = Run(Backend(at("running"), DOWN, DOWN, at("running", 2), at("finished", 4)), SUMMARY)
    assert run.wait(timeout=10).summary()["state"] == "finished"


def test_a_backend_that_stays_away_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "GRACE_S", 0.01)
    with pytest.raises(wb.WorkbenchError) as caught:
        Run(Backend(DOWN), SUMMARY).wait(timeout=10)
    assert caught.value.code == "BACKEND_DOWN"


@pytest.mark.parametrize(
    ("state", "code"),
    [("failed", "RUN_FAILED"), ("interrupted", "RUN_INTERRUPTED")],
)
def test_a_run_that_ends_otherwise_raises(state, code):
    with pytest.raises(wb.WorkbenchError) as caught:
        Run(Backend(at(state, 3)), SUMMARY).wait(timeout=10)
    assert caught.value.code == code
    assert "step 3 of 4" in caught.value.message


def test_a_run_that_somebody_stopped_warns_and_one_stopped_here_does_not(recwarn):
    run = Run(Backend(at("stopped")), SUMMARY)
    with pytest.warns(UserWarning, match="stopped at step 1 of 4"):
        run.wait(timeout=10)
    run.stop()
    recwarn.clear()
    run.wait(timeout=10)
    assert not recwarn.list


def test_a_run_that_was_not_started_says_so():
    with pytest.raises(wb.WorkbenchError) as caught:
        Run(Backend(at("queued", 0, waits_since=None), others=[OTHER]), SUMMARY).wait(timeout=10)
    assert caught.value.code == "RUN_NOT_STARTED"
    assert "start()" in caught.value.remedy


def test_a_queued_run_says_what_it_waits_for(capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(module.Progress, "update", lambda self, done, total, note="": seen.append(note))
    Run(Backend(at("queued", 0, waits_since=1), at("finished", 4), others=[OTHER]), SUMMARY).wait(timeout=10)
    assert "waits for two (paused at step 1 of 4)" in seen[0]


def test_reaching_a_step_is_enough():
    assert Run(Backend(at("running", 1), at("running", 2)), SUMMARY).wait(step=2, timeout=10).id == "r1"


def test_time_that_is_up_says_where_the_run_is():
    with pytest.raises(TimeoutError, match="running at step 1 of 4"):
        Run(Backend(at("running")), SUMMARY).wait(timeout=0.01)


@pytest.mark.parametrize("made", [lambda answers: Run(answers, SUMMARY), lambda answers: Evaluation(answers, EVALUATION)])
def test_an_interrupt_ends_the_waiting_alone_and_says_so(made, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "pause", interrupted)
    both = {**EVALUATION, **SUMMARY}
    with pytest.raises(KeyboardInterrupt, match=r"^(run|evaluation) r1 goes on \(running.*\): only the waiting .* \.stop\(\) ends it$"):
        made(Backend(both)).wait(show=False)


def test_runs_are_equal_by_id_and_can_be_looked_up():
    one, same, other = Run(None, SUMMARY), Run(None, at("finished")), Run(None, OTHER)
    assert one == same
    assert one != other
    assert {one, same, other} == {one, other}


SHARE = {"right": 1, "total": 2, "rate": 0.5, "low": 0.1, "high": 0.9}
EVALUATION = {"id": "r1", "name": "e", "state": "running", "error": None, "done": 2, "total": 9, "strict": SHARE, "tolerant": SHARE}


def test_an_evaluation_waits_for_a_backend_that_is_started_again():
    backend = Backend(EVALUATION, DOWN, {**EVALUATION, "state": "finished", "done": 9})
    assert Evaluation(backend, EVALUATION).wait(timeout=10)._last["done"] == 9


def test_a_run_is_no_evaluation_of_the_same_id():
    assert Run(None, SUMMARY) != Evaluation(None, EVALUATION)


def test_a_stopped_evaluation_says_how_it_goes_on():
    summary = {**EVALUATION, "state": "stopped"}
    with pytest.raises(wb.WorkbenchError) as caught:
        Evaluation(Backend(summary), summary).wait(timeout=10)
    assert caught.value.code == "EVAL_NOT_FINISHED"
    assert "2 of 9" in caught.value.message
    assert "resume" in caught.value.remedy


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"waits_since": None}, "not started"),
        ({"waits_since": 5, "held": False}, "queued"),
        ({"waits_since": 5, "held": True}, "held"),
        ({"state": "running", "waits_since": None}, "running"),
    ],
)
def test_a_run_that_nobody_started_is_not_called_queued(more, words):
    run = Run(Backend(SUMMARY), {**SUMMARY, "state": "queued", **more})
    assert f": {words}, step 1 of 4" in repr(run)
    assert f"<td>{words}</td>" in run.html_row()
