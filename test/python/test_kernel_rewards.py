"""Reward functions of this Python in runs of a real backend."""

import asyncio
import functools
import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
from types import SimpleNamespace

import medr1_workbench as wb
import numpy as np
import pytest
from medr1_workbench.kernel import Served, _Worker, source_of, values_of
from real_backend import COMMAND, real_backend

SMALL = {"max_steps": 3, "per_device_train_batch_size": 16, "num_generations": 4}
LONG = {**SMALL, "max_steps": 5000}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def client(home):
    with real_backend(home) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        yield wb.connect()


@pytest.fixture
def long_run(client):
    run = client.train(client.demo(**LONG))
    run.wait(step=1, timeout=300)
    yield run
    run.stop().wait(timeout=300)


def reward_events(run):
    return [event["revision"] for event in run.events() if event["kind"] == "rewards"]


def test_a_decorated_function_is_a_reward_from_the_next_step_and_an_edit_of_it_a_revision(client, long_run):
    run = long_run
    seen = []

    @run.reward(weight=0.3)
    def length(prompts, completions, completion_ids, answer, options, trainer_state):
        seen.append((len(prompts), len(answer), trainer_state.global_step, trainer_state.max_steps))
        assert all(isinstance(text, str) for text in prompts)
        assert len(options) == len(completion_ids) == len(completions)
        return [len(text) / 100 for text in completions]

    state = SimpleNamespace(global_step=0, max_steps=1)
    assert length(["p"], ["abcd"], [[1]], ["A"], [[]], state) == [0.04], "it is called as before"
    run.wait(step=run.summary()["step"] + 3, timeout=300)
    first = run.detail()["rewards"][-1]
    assert first["weights"] == {"accuracy": 1, "format": 1, "length": 0.3}
    assert first["sources"]["length"]["source"].startswith("def length(prompts")
    assert first["sources"]["length"]["runtime"] == "kernel"
    rows = run.rollouts(first=first["step"], last=first["step"] + 1)
    assert ((rows["text"].str.len() / 100) - rows["reward/length"]).abs().max() < 1e-9
    whole = rows["reward/accuracy"] + rows["reward/format"] + 0.3 * rows["reward/length"]
    assert (whole - rows["reward"]).abs().max() < 1e-9
    assert (16, 16, first["step"] - 1, 5000) in seen

    again = run.reward(length)
    assert again.revision == length.revision, "nothing differs, so there is no new revision"

    @run.reward
    async def length(completions, **columns):
        await asyncio.sleep(0)
        assert {"prompts", "completion_ids", "solution", "question", "modality", "item_id", "trainer_state"} <= set(columns)
        return np.array([len(text) for text in completions]) / np.float32(50)

    run.wait(step=run.summary()["step"] + 3, timeout=300)
    second = run.detail()["rewards"][-1]
    assert second["weights"]["length"] == 0.3, "the weight stays"
    assert second["sources"]["length"]["sha256"] != first["sources"]["length"]["sha256"]
    rows = run.rollouts(step=second["step"])
    assert ((rows["text"].str.len() / 50) - rows["reward/length"]).abs().max() < 1e-6

    removed = length.remove(reason="enough")
    assert list(removed["weights"]) == ["accuracy", "format"]
    run.wait(step=run.summary()["step"] + 3, timeout=300)
    assert run.rollouts()["reward/length"].isna().all()


def test_a_function_that_fails_on_made_up_completions_changes_nothing(client, long_run):
    before = long_run.detail()["rewards"]

    def broken(completions, **_):
        return [1 / len(text) for text in completions]

    with pytest.raises(wb.WorkbenchError, match=r"broken \(broken.py:2\) threw ZeroDivisionError") as caught:
        long_run.reward(broken)
    assert caught.value.code == "REWARD_THREW"
    with pytest.raises(wb.WorkbenchError) as caught:
        long_run.reward(lambda completions, **_: [1.0], name="one")
    assert caught.value.code == "REWARD_LENGTH"
    with pytest.raises(wb.WorkbenchError) as caught:
        long_run.reward(lambda completions, **_: [float("nan")] * len(completions), name="nan")
    assert caught.value.code == "REWARD_VALUE"
    assert caught.value.remedy == "Return a finite number, or None where the reward does not apply."
    with pytest.raises(wb.WorkbenchError) as caught:
        long_run.reward(lambda completions, **_: completions, name="accuracy")
    assert caught.value.code == "REWARD_NAME"
    assert long_run.detail()["rewards"] == before


def test_a_function_is_tried_on_stored_rollouts_and_not_served_after(client, long_run):
    def half(completions, **_):
        return [None if i % 2 else np.int64(1) for i in range(len(completions))]

    tried = long_run.try_rewards(half, steps=1)
    assert tried.loc["half", "not_applicable"] * 2 == tried.loc["half", "completions"]
    assert tried.loc["half", "mean"] == 1
    assert "half" not in [one["name"] for kernel in client.request("GET", "/kernels")["kernels"] for one in kernel["rewards"]]


def test_a_function_has_to_pass_tests_of_its_own_which_a_preview_counts(client, long_run):
    good = {"completion": "<answer> A </answer>", "answer": "A", "expected": np.float32(1)}

    def names_answer(completions, answer, **_):
        return [None if right is None else float(f" {right} " in text) for text, right in zip(completions, answer, strict=True)]

    before = long_run.detail()["rewards"]
    with pytest.raises(wb.WorkbenchError) as caught:
        long_run.reward(wb.tested(good, {"completion": "B", "answer": "B", "expected": 1})(names_answer))
    assert caught.value.code == "REWARD_TESTS"
    assert "names_answer.py) fails its own test: test 2 expects 1 and got 0" in str(caught.value)
    assert long_run.detail()["rewards"] == before

    kept = long_run.reward(wb.tested(good, {"completion": "?", "expected": None})(names_answer), weight=0.1)
    source = long_run.detail()["rewards"][-1]["sources"]["names_answer"]
    assert [test["expected"] for test in source["tests"]] == [1, None]
    body = {"kernel": {"names_answer": kept.sha256}, "steps": 1}
    [report] = client.request("POST", f"/runs/{long_run.id}/rewards/try", body)["reports"]
    assert (report["tests"], report["error"]) == ({"passed": 2, "total": 2}, None)
    kept.remove()

    for wrong in ({"completion": "A"}, {"expected": 1}, "A", {"completion": "A", "expected": float("nan")}):
        with pytest.raises(TypeError, match="test 1 is"):
            wb.tested(wrong)
    with pytest.raises(TypeError, match="next to the function"):
        wb.tested(good)(kept)


def test_runs_to_come_have_the_functions_that_are_named_and_those_of_the_client(client):
    @client.reward(weight=0.5)
    def coming(completions, **_):
        return [0.25] * len(completions)

    def named(completions, **_):
        return [0.5 for _ in completions]

    run = client.train(client.demo(**{**SMALL, "reward_funcs": ["accuracy", named]})).wait(timeout=300)
    coming.remove()
    rows = run.rollouts(first=1, last=3)
    assert set(rows["reward/named"]) == {0.5}
    assert (rows["reward/accuracy"] + 0.5 + 0.125 - rows["reward"]).abs().max() < 1e-9
    assert client._with_coming({}) == {}


def test_a_function_that_nobody_serves_is_named(client):
    with pytest.raises(wb.WorkbenchError, match="nobody_serves_it") as caught:
        client.train(client.demo(**SMALL), reward_funcs=["nobody_serves_it.py"])
    assert caught.value.code == "REWARD_KERNEL_ABSENT"


def test_several_processes_train_by_the_values_that_one_does(client):
    def mine(completions, item_id, trainer_state):
        return [len(text) % 7 + trainer_state.global_step for text in completions]

    shared = {**SMALL, "reward_funcs": ["accuracy", mine], "dp_shards": 2}
    one, two = [client.train(client.demo(**shared), processes=n).wait(timeout=300).rollouts(first=1, last=3) for n in (1, 2)]
    columns = ["step", "item_id", "text", "reward/mine", "reward", "advantage"]
    assert two[columns].equals(one[columns])
    assert set(two["reward/mine"] - two["text"].str.len() % 7) == {0, 1, 2}


def test_one_that_does_not_answer_pauses_the_run_and_its_late_answer_counts(client, long_run):
    go_on = threading.Event()
    keys = []

    @long_run.reward(timeout=0.5)
    def slow(completions, item_id, completion_ids, trainer_state, **_):
        if trainer_state.max_steps:  # in training
            keys.append((trainer_state.global_step, str(completion_ids)))
            go_on.wait(60)
        return [0.1] * len(completions)

    long_run.wait(timeout=300)
    assert long_run.state == "paused"
    error = long_run.summary()["error"]
    assert error["code"] == "REWARD_TIMEOUT"
    assert "slow" in error["message"]
    go_on.set()
    at = long_run.summary()["step"]
    long_run.resume().wait(step=at + 2, timeout=300)
    assert len(keys) == len(set(keys)), "nothing is scored twice"
    slow.remove()


def test_one_that_does_not_answer_is_left_out_where_that_was_chosen(client, long_run):
    stuck = threading.Event()

    @long_run.reward(timeout=0.3, on_timeout="skip")
    def skipped(completions, trainer_state, **_):
        if trainer_state.max_steps:
            stuck.wait(60)
        return [0.1] * len(completions)

    long_run.wait(step=long_run.summary()["step"] + 4, timeout=300)
    stuck.set()
    assert long_run.rollouts()["reward/skipped"].isna().all()
    alerts = [event for event in long_run.events() if event["kind"] == "alert" and event["code"] == "REWARD_SKIPPED"]
    assert len(alerts) == 1, "one alert each time that it begins"
    # the log's step is the one before: the step that it speaks of is not done when it is told
    assert f"from step {alerts[0]['step'] + 1} on" in alerts[0]["message"]
    skipped.remove()


SCRIPT = """
import sys, time
import medr1_workbench as wb

def from_script(completions, **_):
    return [len(text) % 7 for text in completions]

c = wb.connect()
with c.serve_rewards(from_script, timeout=4):
    print("served", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "rewards.py"
    file.write_text(textwrap.dedent(SCRIPT))
    started = []

    def start():
        process = subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env=os.environ)
        started.append(process)
        assert process.stdout.readline() == "served\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(30)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_script_that_dies_pauses_the_run_which_goes_on_when_it_is_there_again(client, script, processes):
    process = script()
    run = client.train(client.demo(**LONG), reward_funcs=["accuracy", "from_script.py"], processes=processes, dp_shards=2)
    run.wait(step=2, timeout=300)
    process.send_signal(signal.SIGKILL)
    run.wait(timeout=300)
    assert run.state == "paused"
    # Absent where its death was seen in an open poll, else not heard of.
    assert run.summary()["error"]["code"] in ("REWARD_KERNEL_ABSENT", "REWARD_KERNEL_BUSY")
    at = run.summary()["step"]
    script()
    wait_while_paused(run)
    run.wait(step=at + 2, timeout=300)
    rows = run.rollouts(first=1, last=at + 2)
    assert (rows["text"].str.len() % 7 == rows["reward/from_script"]).all()
    run.stop().wait(timeout=300)


def wait_while_paused(run):
    for _ in range(3000):
        if run.summary()["state"] != "paused":
            return
        threading.Event().wait(0.02)
    raise AssertionError("it stayed paused")


def test_a_run_that_medr1_train_starts_asks_the_script_that_serves_its_function(client, home, tmp_path):
    def shortness(completions):
        return [1 / (1 + len(text)) for text in completions]

    file = tmp_path / "run.json"  # JSON is YAML
    file.write_text(json.dumps({**client.demo(**SMALL), "max_steps": 1, "reward_funcs": ["accuracy", "shortness.py"]}))
    command = [*COMMAND, "train", str(file), "--json"]
    with client.serve_rewards(shortness):
        done = subprocess.run(command, env={**os.environ, "MEDR1_HOME": str(home)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = client.run(json.loads(done.stdout)["id"]).rollouts(1)
    assert np.allclose(rows["reward/shortness"], 1 / (1 + rows["text"].str.len()))


def test_a_resumed_run_needs_no_kernel_for_steps_that_are_scored(client):
    """Values that differ each time are told apart from those of the first time."""
    drawn = iter(range(1, 1_000_000))

    def counts(completions, **_):
        return [next(drawn) for _ in completions]

    with client.serve_rewards(counts, timeout=3600):
        run = client.train(client.demo(**LONG), reward_funcs=["accuracy", "counts.py"], save_steps=10_000)
        run.wait(step=3, timeout=300)
        os.kill(pid_of(run), signal.SIGKILL)
        with pytest.raises(wb.WorkbenchError, match="killed by SIGKILL"):
            run.wait(timeout=300)
        before = run.rollouts(first=1, last=3)
    run.start()
    run.wait(step=3, timeout=300)
    after = run.rollouts(first=1, last=3)
    assert after["reward/counts"].tolist() == before["reward/counts"].tolist()
    assert after["text"].tolist() == before["text"].tolist()
    run.stop().wait(timeout=300)  # and does not wait for the kernel that step 4 may lack
    assert run.state == "stopped"


def pid_of(run):
    return int(next(line.split("pid ")[1] for line in reversed(run.log().splitlines()) if "pid " in line))


class TestFunctions:
    def test_sources_are_without_decorators_and_indentation(self):
        @functools.lru_cache
        def plain(completions):
            return completions

        assert source_of(plain)[0] == "def plain(completions):\n    return completions\n"

        class Judge:
            def __call__(self, completions, **_):
                return [1.0] * len(completions)

        served = Served(Judge())
        assert served.name == "Judge"
        assert served.source.startswith("class Judge:")
        bound = Served(functools.partial(plain, 3))
        assert bound.name == "plain"
        assert bound.source.endswith("# called with (3,) {}\n")
        made = {}
        exec("def nowhere(completions): return [0.0]", made)  # noqa: S102
        other = {}
        exec("def nowhere(completions): return [1.0]", other)  # noqa: S102
        assert Served(made["nowhere"]).sha256 != Served(other["nowhere"]).sha256

    def test_numbers_of_all_kinds_are_numbers(self):
        kinds = [1, True, None, np.float32(0.5), np.int8(2), np.bool_(False), np.array(3.0), np.array([4.0])]
        assert values_of(kinds, 8) == {"values": [1, 1, None, 0.5, 2, 0, 3, 4]}
        assert values_of(np.arange(3), 3) == {"values": [0, 1, 2]}
        assert values_of((x for x in (1, 2)), 2) == {"values": [1, 2]}

    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            ([1.0], "length"),
            (None, "length"),
            ("ab", "length"),
            ({1.0, 2.0}, "length"),
            ({1.0: 1, 2.0: 2}.keys(), "length"),
            (0.5, "length"),
            (np.float64(0.5), "length"),
            ([1.0, float("inf")], "value"),
            ([1.0, np.nan], "value"),
            ([1.0, "1"], "value"),
            ([1.0, object()], "value"),
            ([1.0, [1, 2]], "value"),
        ],
    )
    def test_what_is_no_list_of_numbers_is_told(self, given, kind):
        assert values_of(given, 2)["failure"]["kind"] == kind

    def evaluated(self, function, completions=("a", "b"), **columns):
        """What a call of the backend gives; `columns` beside the prompts."""
        call = {"completions": list(completions), "columns": {"prompts": ["p"] * len(completions), **columns}, "constants": {"step": 3}}
        loop = asyncio.new_event_loop()
        try:
            return Served(function).evaluate(call, loop)
        finally:
            loop.close()

    def test_a_generator_runs_inside_the_call_and_need_not_end(self):
        def breaks(completions):
            yield 1.0
            raise KeyError("gone")

        assert self.evaluated(breaks)["failure"] == {"kind": "threw", "what": "KeyError: 'gone'", "line": 3, "completion": None}

        def endless(completions):
            while True:
                yield 1.0

        assert self.evaluated(endless)["failure"]["what"] == "more than 2 values for 2 completions"

    def test_an_error_whose_text_cannot_be_had_is_told_by_its_class(self):
        class Odd(Exception):
            def __str__(self):
                raise ValueError

        def breaks(completions):
            raise Odd

        assert self.evaluated(breaks)["failure"]["what"] == "Odd: it cannot be told"

    def test_what_the_state_of_the_trainer_lacks_is_told(self):
        def late(completions, trainer_state):
            return [trainer_state.epoch] * len(completions)

        what = self.evaluated(late)["failure"]["what"]
        assert what == "AttributeError: trainer_state has global_step and max_steps, and no epoch: the run trains in another process"

    def test_a_function_for_lists_of_messages_says_what_it_needs_and_runs_as_it_stands_with_it(self):
        def first_letter(completions, prompts, log_extra, log_metric, trainer_state, **kwargs):
            log_extra("said", [each[0]["content"] for each in completions])
            log_metric("share", 0.5)
            assert prompts[0] == [{"role": "user", "content": "p"}]
            return [float(each[0]["content"] == right) for each, right in zip(completions, kwargs["answer"], strict=True)]

        as_texts = self.evaluated(first_letter, answer=["a", "a"])["failure"]["what"]
        assert as_texts.startswith("TypeError: string indices must be integers")
        assert as_texts.endswith("put @wb.conversational above the function")
        assert self.evaluated(wb.conversational(first_letter), answer=["a", "a"]) == {"values": [1, 0]}
        plain, messages = Served(first_letter), Served(wb.conversational(first_letter))
        assert (messages.name, messages.sha256 == plain.sha256) == ("first_letter", False)

        @wb.conversational
        async def later(completions):
            return [len(each) for each in completions]

        assert self.evaluated(later) == {"values": [1, 1]}

    def test_what_failed_is_asked_anew_and_what_was_scored_is_not(self):
        calls = []

        def flaky(completions):
            calls.append(len(completions))
            if len(calls) == 1:
                raise ConnectionError("the judge is away")
            return [1.0] * len(completions)

        answers = queue.SimpleQueue()
        worker = _Worker(Served(flaky), lambda key, outcome: answers.put(outcome))
        call = {"key": "k", "completions": ["a"], "columns": {}, "constants": {}}
        given = []
        for _ in range(3):
            worker.take(call)
            given.append(answers.get(timeout=30))
        assert [list(outcome) for outcome in given] == [["failure"], ["values"], ["values"]]
        assert calls == [1, 1]

    def test_options_are_checked(self):
        with pytest.raises(ValueError, match="on_timeout"):
            Served(max, on_timeout="stop")
        with pytest.raises(ValueError, match="timeout"):
            Served(max, timeout=0)
        with pytest.raises(wb.WorkbenchError, match="lambda"):
            Served(lambda: [])
