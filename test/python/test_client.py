"""The notebook client against a real backend that trains the tiny model."""

import asyncio
import json
import math

import medr1_workbench as wb
import numpy as np
import pandas as pd
import pytest
from conftest import until
from medr1_workbench.activity import progress, watch_activity
from real_backend import COMMAND, prepare_home, real_backend

SMALL = {"max_steps": 3, "per_device_train_batch_size": 16, "num_generations": 4}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with real_backend(tmp_path_factory.mktemp("home")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        yield wb.connect()


@pytest.fixture(scope="module")
def finished(client):
    return client.train(client.demo(**SMALL), run_name="<b>three</b> steps").wait(timeout=300)


def test_outside_jupyter_connect_says_what_to_do(monkeypatch):
    monkeypatch.delenv("MEDR1_CONNECTION_FILE", raising=False)
    with pytest.raises(wb.WorkbenchError) as caught:
        wb.connect()
    assert caught.value.code == "NO_CONNECTION"
    assert "npm start" in caught.value.remedy


def test_a_backend_that_is_gone_is_named(tmp_path):
    with real_backend(tmp_path / "home") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        gone = wb.connect()
    with pytest.raises(wb.WorkbenchError) as caught:
        gone.runs()
    assert caught.value.code == "BACKEND_DOWN"


def test_the_server_tells_its_device_and_the_sample(client):
    server = client.server()
    assert server["protocol"] == 1
    assert server["device"]["name"]
    assert server["sample"]["dataset"].endswith("sample")
    assert "learning_rate" in client.schema()["properties"]


def test_a_run_of_another_trainer_is_looked_at_and_nothing_else(client, tmp_path):
    history = [{"step": step, "reward": step / 10, "mine": 1.0, "completions/clipped_ratio": 0.9} for step in range(1, 21)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"max_steps": 20, "log_history": history}))
    run = client.import_run(tmp_path, name="of TRL")
    assert (run.name, run.state, run.config) == ("of TRL", "finished", {"trainer": "grpo", "max_steps": 20})
    assert list(run.metrics(["reward", "mine"])[["reward", "mine"]].iloc[-1]) == [2.0, 1.0]
    assert run.imported["lacks"]
    assert "truncated" in list(run.alerts()["rule"])
    assert "config/beta" not in client.table([run]).columns
    for refused in (run.resume, lambda: run.fork(20), lambda: run.set(beta=0.1), lambda: client.generate(run=run, question="?")):
        with pytest.raises(wb.WorkbenchError) as caught:
            refused()
        assert caught.value.code == "RUN_IMPORTED"
    with pytest.raises(wb.WorkbenchError) as caught:
        client.import_run(tmp_path / "absent")
    assert caught.value.code == "IMPORT_NOT_FOUND"


def test_what_is_noted_of_a_run_is_kept_and_found(client, finished):
    other = client.train(client.demo(**SMALL), run_name="other", start=False)
    assert other.rename("renamed").name == "renamed"
    assert other.config["run_name"] == "other"
    other.tags = ["seed 1", "draft"]
    other.notes = "spread lost\nat the end"
    other.tag("kept").untag("draft").pin().archive()
    again = client.run(other.id)
    assert (again.tags, again.notes) == (("seed 1", "kept"), "spread lost\nat the end")
    assert again.summary()["annotations"]["pinned"]
    assert client.runs('tag:"seed 1" spread') == [other]
    assert client.runs("step>=3 last:reward>-100 -TRL") == [finished]
    assert client.runs("nothing is called so") == []
    assert client.table([other]).loc[other.id, "tags"] == ["seed 1", "kept"]
    with pytest.raises(wb.WorkbenchError, match="did you mean last:reward"):
        client.runs("last:rewrd>1")
    with pytest.raises(wb.WorkbenchError) as caught:
        other.tags = ["a,b"]
    assert "tags" in caught.value.message
    other.delete()


def test_an_unknown_key_is_refused_by_name_and_leaves_no_run(client):
    before = len(client.runs())
    with pytest.raises(wb.WorkbenchError) as caught:
        client.train(client.demo(), lerning_rate=1e-4)
    assert "lerning_rate" in caught.value.message
    assert "learning_rate" in caught.value.message + caught.value.remedy
    assert caught.value.status == 422
    assert len(client.runs()) == before


def test_check_fills_in_the_defaults_and_starts_nothing(client):
    before = len(client.runs())
    config = client.check(client.demo(temperature=0.7))
    assert config["temperature"] == 0.7
    assert config["loss_type"] == "grpo"
    assert len(client.runs()) == before


def test_metrics_are_a_frame_with_a_row_a_step(finished):
    frame = finished.metrics()
    assert list(frame.index) == [1, 2, 3]
    assert frame.index.name == "step"
    assert {"time", "reward", "kl", "loss", "completions/mean_length"} <= set(frame.columns)
    assert frame["reward"].between(0, 2).all()
    assert str(frame["time"].dtype).startswith("datetime64")
    assert list(finished.metrics(["reward"], first=2, last=3).columns) == ["time", "reward"]
    assert list(finished.metrics(["reward"], first=2, last=3).index) == [2, 3]


def test_rollouts_are_a_frame_with_a_row_a_completion(finished):
    last = finished.rollouts()
    assert len(last) == 16
    assert set(last["step"]) == {3}
    assert last.groupby("group").size().tolist() == [4] * 4
    assert ((last["reward/accuracy"] + last["reward/format"]) - last["reward"]).abs().max() < 1e-9
    assert (last.groupby("group")["advantage"].sum().abs() < 1e-3).all()
    assert (last["tokens"] > 0).all()
    assert len(finished.rollouts(first=1, last=3)) == 48
    assert finished.rollouts(step=1)["step"].tolist() == [1] * 16


def test_rollouts_have_what_is_stored_of_each_token_where_it_is_asked_for(finished):
    assert "entropy" not in finished.rollouts().columns
    rows = finished.rollouts(tokens=True)
    for name in ["token_ids", "logprobs", "entropy", "kl"]:
        assert (rows[name].str.len() == rows["tokens"]).all()
    assert rows["ratio"].isna().all()  # one update on each rollout: every ratio is 1
    means = rows.explode(["entropy", "kl"])[["entropy", "kl"]].astype(float)
    assert (means["entropy"] >= 0).all() and (means["kl"] >= 0).all()


def test_a_question_phrases_and_families_are_frames(client, finished):
    every = finished.search(limit=None)
    item = every["item_id"].iloc[0]
    curve = finished.question(item)
    assert curve["completions"].sum() == (every["item_id"] == item).sum()
    assert (curve["rate"].dropna() == (curve["right"] / curve["judged"]).dropna()).all()
    assert curve.attrs["question"]["item_id"] == item
    with pytest.raises(wb.WorkbenchError, match="never asked"):
        finished.question("no such question")
    last = int(every["step"].max())
    found = finished.phrases(1, (last, last), fdr=1, least=2)
    assert found.tested > 0
    assert list(found.grew.columns) == list(found.vanished.columns)
    assert (found.grew["log_odds"] > 0).all()
    assert (found.grew["share_after"] > found.grew["share_before"]).all()
    families = finished.families(similarity=0.5)
    assert families.attrs["completions"] == len(every)
    assert families["completions"].sum() + families.attrs["alone"] == len(every)


def test_a_search_is_a_frame_with_what_matches(client, finished):
    every = finished.search()
    assert len(every) == 48 and every["step"].tolist() == sorted(every["step"], reverse=True)
    rows = finished.rollouts(first=1, last=3).set_index(["step", "group", "index"]).sort_index()
    same = every.set_index(["step", "group", "index"]).sort_index()
    for column in ["text", "tokens", "prediction", "correct", "reading", "reward", "advantage", "reward/format", "question"]:
        assert same[column].tolist() == rows[column].tolist()
    best = finished.search(sort="advantage", limit=5, first=2)
    assert best["advantage"].tolist() == rows.loc[2:]["advantage"].nlargest(5).tolist()
    wrong = finished.search("answer", verdict="wrong", tokens=(1, None))
    assert len(wrong) == (~rows["correct"].astype(bool) & rows["text"].str.contains(r"\banswer\b")).sum()
    tagged = finished.search(r"</think>\s*<answer>", regexp=True, limit=None)
    assert len(tagged) == rows["text"].str.contains(r"</think>\s*<answer>").sum()
    assert finished.search(near=every.iloc[0], similarity=1)["text"].iloc[0] == every["text"].iloc[0]
    assert client.search([finished], "no such word at all").empty
    with pytest.raises(wb.WorkbenchError, match="no regular expression"):
        finished.search("(", regexp=True)


def test_notes_stand_beside_their_completion(finished):
    finished.note(2, 0, 1, "look at this", tags=["odd"])
    assert finished.search(tags="odd")[["step", "group", "index", "note"]].values.tolist() == [[2, 0, 1, "look at this"]]
    assert finished.completion_notes()["state"].tolist() == ["still"]
    assert finished.note(2, 0, 1) is None
    assert finished.completion_notes().empty


def test_rollouts_of_a_run_that_has_none_are_an_empty_frame(client):
    run = client.train(client.demo(**SMALL), start=False)
    assert run.state == "queued"
    assert run.rollouts().empty
    assert run.metrics().empty
    run.stop()


def test_the_log_of_a_run_is_dense_and_ends_with_its_state(finished):
    events = list(finished.events())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["step"] for event in events if event["kind"] == "step"] == [1, 2, 3]
    assert [event["state"] for event in events if event["kind"] == "state"][-1] == "finished"
    assert list(finished.events(since=len(events) - 1)) == events[-1:]


def test_following_a_run_gives_each_event_once_until_it_ends(client):
    run = client.train(client.demo(**SMALL))
    followed = list(run.events(follow=True))
    assert followed == list(run.events())
    assert sum(event["kind"] == "step" for event in followed) == 3


def test_reward_weights_change_from_the_next_step_on(client):
    run = client.train(client.demo(**{**SMALL, "max_steps": 5000}))
    run.wait(step=2, timeout=300)
    assert run.reward_weights() == {"accuracy": 1, "format": 1}
    revision = run.set_reward_weights(format=0.25, reason="format is learnt")
    assert revision["weights"] == {"accuracy": 1, "format": 0.25}
    run.wait(step=run.summary()["step"] + 3, timeout=300)
    with pytest.raises(wb.WorkbenchError):
        run.set_reward_weights(no_such_reward=1)
    last = run.stop().wait(timeout=300).summary()["step"]
    changed = next(event for event in run.events() if event["kind"] == "rewards" and event["revision"]["weights"]["format"] == 0.25)
    after = run.rollouts(first=changed["revision"]["step"], last=last)
    assert set(after["step"]) == set(range(changed["revision"]["step"], last + 1))
    assert ((after["reward/accuracy"] + 0.25 * after["reward/format"]) - after["reward"]).abs().max() < 1e-9


def test_alerts_are_a_table_and_thresholds_rules_and_snoozes_change(client):
    run = client.train(client.demo(**{**SMALL, "max_steps": 30, "max_completion_length": 8}))
    told = []
    watch = run.alert_when(lambda m: told.append(len(m)) or (len(m) >= 3 and f"{len(m)} steps"), name="three steps")
    run.wait(timeout=300)
    watch.join(60)
    alerts = run.alerts().set_index("rule")
    assert alerts.loc["truncated", "since"] == 5
    assert "of 8 tokens" in alerts.loc["truncated", "seen"]
    assert alerts.loc["truncated", "remedies"][0]["settings"] == {"max_completion_length": 16}
    assert alerts.loc["three steps", ["since", "seen", "level"]].tolist() == [3, "3 steps", "warning"], (
        "as a timely look would have seen it"
    )
    assert told == list(range(1, 31))

    run.snooze("truncated")
    assert run.alerts().set_index("rule")["snoozed"].to_dict()["truncated"]
    run.set_alerts(thresholds={"truncated": {"share": 2}}, off=["groups_all_wrong"])
    assert not {"truncated", "groups_all_wrong"} & set(run.alerts()["rule"])
    run.set_alerts(thresholds={"truncated": None}, off=[])
    assert "truncated" in set(run.alerts()["rule"])

    client.set_alerts(rules={"mine": "(m) => m.now('completions/mean_length') === 8 && `8 tokens at ${m.step}`"})
    assert client.alert_rules().loc["mine", "source"].startswith("(m)")
    assert run.alerts().set_index("rule").loc["mine", "seen"].startswith("8 tokens at")
    with pytest.raises(wb.WorkbenchError, match="broken"):
        client.set_alerts(rules={"broken": "(m) => {"})
    client.set_alerts(rules={"mine": None}, thresholds={"truncated": {"share": 0.4}})
    assert client.alert_rules().loc["truncated", "thresholds"]["share"] == 0.4
    assert "mine" not in client.alert_rules().index
    client.set_alerts(thresholds={"truncated": None})


def test_settings_parameters_and_schedules_change_from_the_next_step_on(client):
    run = client.train(client.demo(**{**SMALL, "reward_funcs": ["accuracy", "format", "length_band"]}), start=False)
    before = run.settings
    assert before["temperature"] == 1
    revision = run.set(temperature=0.8, reason="less noise")
    assert (revision["settings"]["temperature"], revision["reason"], revision["author"]) == (0.8, "less noise", "notebook")
    assert run.settings == {**before, "temperature": 0.8}
    with pytest.raises(wb.WorkbenchError, match="lora_r"):
        run.set(lora_r=4)
    with pytest.raises(TypeError):
        run.set()

    moved = run.set_rewards(parameters={"length_band": {"low": wb.cosine(40, 10, over=20)}}, format=wb.linear(1, 0, end=30))
    assert moved["weight_schedules"] == {"format": {"schedule": "linear", "from": 1, "to": 0, "start": 1, "end": 30}}
    assert moved["parameters"]["length_band"]["low"] == {"schedule": "cosine", "from": 40, "to": 10, "start": 1, "end": 21}
    assert run.set_reward_weights(format=wb.stepped(1, 0, at=9))["weight_schedules"]["format"]["end"] == 9
    held = run.set_reward_weights(format=1)
    assert (held["weights"]["format"], held["weight_schedules"]) == (1, {})

    back = run.revert(1)
    assert (back["settings"], back["weights"], back["parameters"]) == (before, {"accuracy": 1, "format": 1, "length_band": 1}, {})


def test_reward_functions_from_files_and_sources(client, tmp_path):
    file = tmp_path / "length.ts"
    file.write_text("export default (all: string[]) => all.map((text) => text.length / 100);")
    config = client.demo(**{**SMALL, "max_steps": 3, "reward_funcs": ["accuracy", str(file)]})
    run = client.train(config)
    file.unlink()
    run.wait(timeout=300)
    rows = run.rollouts(first=1, last=3)
    assert ((rows["text"].str.len() / 100) - rows["reward/length"]).abs().max() < 1e-9

    tried = run.try_rewards({"half.js": "export default (all) => all.map((_, i) => (i % 2 ? null : 1));"}, steps=1)
    assert tried.loc["half", "not_applicable"] * 2 == tried.loc["half", "completions"]
    again = tmp_path / "again.js"
    again.write_text("export default (all) => all.map(() => 0);")
    with pytest.raises(wb.WorkbenchError, match="finished"):
        run.set_rewards(again, again=0.5)
    run = client.train(client.demo(**{**SMALL, "reward_funcs": ["accuracy", "format"]}), start=False)
    revision = run.set_rewards(again, remove=["format"], again=0.5, reason="try")
    assert revision["weights"] == {"accuracy": 1, "again": 0.5}
    assert list(revision["sources"]) == ["again"]
    with pytest.raises(wb.WorkbenchError, match="bad"):
        run.set_rewards({"bad.js": "export default () => [NaN]"})
    with pytest.raises(wb.WorkbenchError, match="cannot be read"):
        run.set_rewards(tmp_path / "missing.ts")


def test_a_run_pauses_goes_on_writes_a_checkpoint_and_stops(client):
    run = client.train(client.demo(**{**SMALL, "max_steps": 5000}))
    run.wait(step=1, timeout=300)
    run.pause().wait(timeout=300)
    assert run.state == "paused"
    at = run.summary()["step"]
    run.resume().wait(step=at + 1, timeout=300)
    run.checkpoint()
    run.wait(step=run.summary()["step"] + 2, timeout=300)
    assert "requested" in [checkpoint["reason"] for checkpoint in run.detail()["checkpoints"]]
    run.stop().wait(timeout=300)
    assert run.state == "stopped"
    with pytest.raises(TimeoutError):
        client.train(client.demo(**{**SMALL, "max_steps": 5000})).wait(timeout=0.1)
    client.runs()[0].stop()


def test_what_a_notebook_shows_is_plain_text(client, finished):
    html = finished._repr_html_() + client._repr_html_()
    assert "&lt;b&gt;three&lt;/b&gt; steps" in html
    assert "<b>three" not in html
    assert "3 of 3" in html
    assert finished.id in repr(finished)


class TestThroughJupyter:
    """`connect(url, token)`: another machine's JupyterLab, here under the base URL /a%40b/."""

    @pytest.fixture
    def backend_command(self, tmp_path):
        prepare_home(tmp_path / "home")
        return COMMAND

    async def test_a_run_is_trained_and_read_through_the_relay(self, running, http_server, jp_serverapp, jp_http_port, jp_base_url):
        token = jp_serverapp.identity_provider.token

        def work():
            client = wb.connect(f"http://127.0.0.1:{jp_http_port}{jp_base_url}", token)
            run = client.train(client.demo(**SMALL)).wait(timeout=300)
            return run.metrics(), run.rollouts()

        metrics, rollouts = await asyncio.to_thread(work)
        assert len(metrics) == 3
        assert len(rollouts) == 16
        assert isinstance(rollouts, pd.DataFrame)
        assert not math.isnan(metrics["reward"].iloc[-1])

    async def test_a_wrong_token_says_so(self, running, http_server, jp_http_port, jp_base_url):
        with pytest.raises(wb.WorkbenchError) as caught:
            await asyncio.to_thread(wb.connect, f"http://127.0.0.1:{jp_http_port}{jp_base_url}", "wrong")
        assert caught.value.status == 403
        assert "token" in caught.value.remedy

    async def test_progress_counts_as_activity_and_standing_still_does_not(self, running, jp_serverapp, jp_fetch, monkeypatch):

        trains = {"id": "a", "state": "running", "seq": 7}
        waits = {"id": "b", "state": "paused", "seq": 9}
        assert progress([trains, waits, {**trains, "id": "c", "state": "finished"}]) == {"a": 7}
        times = jp_serverapp.web_app.settings["last_activity_times"]
        assert "medr1_workbench" not in times

        looks = 0
        look = running.backend.get

        async def counted(*args, **options):
            nonlocal looks
            answer = await look(*args, **options)
            looks += 1
            return answer

        monkeypatch.setattr(running.backend, "get", counted)
        task = asyncio.create_task(watch_activity(running.sidecar, running.backend, jp_serverapp.web_app.settings, every_s=0.05))
        await until(lambda: looks >= 3)
        assert "medr1_workbench" not in times

        server = json.loads((await jp_fetch("medr1/api/server")).body)
        body = {"config": {**server["presets"]["demo-think"], **SMALL}}
        await jp_fetch("medr1/api/runs", method="POST", body=json.dumps(body), request_timeout=120)
        await until(lambda: "medr1_workbench" in times, timeout=300)
        task.cancel()


def test_one_metric_by_name_and_an_unknown_one_by_error(finished):
    assert list(finished.metrics("reward").columns) == ["time", "reward"]
    with pytest.raises(KeyError, match="reward_std"):
        finished.metrics(["reward", "reward_sdt"])


def test_metrics_are_plotted_with_the_raw_values_behind_the_smoothed(finished):
    import matplotlib

    matplotlib.use("agg")
    axes = finished.plot(["reward", "kl"], smoothing=0.5)
    lines = axes.get_lines()
    assert len(lines) == 4
    assert list(lines[1].get_ydata()) == list(finished.metrics("reward")["reward"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["reward", "kl"]


def test_the_last_rollouts_are_those_of_the_last_step_that_sampled(client):
    run = client.train(client.demo(**{**SMALL, "max_steps": 2}), num_iterations=2).wait(timeout=300)
    frame = run.rollouts()
    assert set(frame["step"]) == {1}
    assert list(frame.columns) == list(run.rollouts(2).columns)
    assert frame.dtypes.equals(run.rollouts(2).dtypes)
    with pytest.raises(TypeError, match="not both"):
        run.rollouts(1, first=1)


def test_a_pair_sees_the_same_questions_and_stops_together(client):
    think, direct = client.train_pair(client.demo(**SMALL), max_steps=5000, run_name="both")
    assert [run.name for run in (think, direct)] == ["both · think", "both · no-think"]
    assert (think.pair, direct.pair) == (direct, think)
    for run in (think, direct):
        run.wait(step=2, timeout=300)
    think.stop().wait(timeout=300)
    direct.wait(timeout=300)
    assert [run.state for run in (think, direct)] == ["stopped", "stopped"]
    left, right = (run.rollouts(step=2)["item_id"].tolist() for run in (think, direct))
    assert left == right
    assert client.train(client.demo(**SMALL), start=False).pair is None
    client.train_pair(client.demo(**SMALL), ["no-think", "think-after"], start=False)[0].delete()
    with pytest.raises(wb.WorkbenchError, match="two different variants"):
        client.train_pair(client.demo(**SMALL), ["think", "think"])


def test_a_run_is_forked_rolled_back_exported_and_deleted(client, tmp_path):
    run = client.train(client.demo(**SMALL), save_steps=1, run_name="parent").wait(timeout=300)
    assert list(run.checkpoints()["step"]) == [2, 3]
    child = run.fork(2, start=False, max_steps=4, run_name="child")
    assert child.config["max_steps"] == 4
    assert set(child.rollouts(2)["sampled_by"]) == {"parent"}
    assert run.rollouts(2)["sampled_by"].isna().all()
    assert run.children == [child]
    other = run.fork(2, rewards={"format": None, "accuracy": 0.5, "repetition_penalty": 0.1}, start=False, max_steps=4)
    assert other.reward_weights() == {"accuracy": 0.5, "repetition_penalty": 0.1}
    with pytest.raises(wb.WorkbenchError, match="nonsense"):
        run.fork(2, rewards={"nonsense": 1}, max_steps=4)
    assert run.children == [other, child]
    assert run.rollback(2).summary()["step"] == 2
    assert run.export(tmp_path / "m.csv").read_text().splitlines()[0].startswith("step,time")
    assert json.loads(run.export(tmp_path / "r.jsonl").read_text().splitlines()[0])["step"] == 1
    with pytest.raises(wb.WorkbenchError) as caught:
        run.export(tmp_path / "r.xyz")
    assert caught.value.code == "EXPORT_FORMAT"
    with pytest.raises(wb.WorkbenchError) as caught:
        run.export(tmp_path / "nowhere" / "m.csv")
    assert caught.value.code == "EXPORT_FILE"
    child.delete()
    assert child not in client.runs()


def test_a_sweep_starts_a_run_for_each_combination_and_they_share_a_frame(client):
    runs = client.sweep(client.demo(**{**SMALL, "max_steps": 1}), seed=[1, 2], beta=[0.0, 0.04], start=False)
    assert [run.config["seed"] for run in runs] == [1, 1, 2, 2]
    assert runs[0].summary()["name"].endswith("seed=1 beta=0.0")
    for run in runs[:2]:
        run.start()
    runs[1].wait(timeout=300)
    frame = client.metrics(runs[:2], "reward")
    assert list(frame.columns) == ["run", "name", "step", "time", "reward"]
    assert set(frame["run"]) == {runs[0].id, runs[1].id}
    table = client.table(runs)
    assert list(table["config/beta"]) == [0.0, 0.04, 0.0, 0.04]
    assert table["reward"].notna().sum() == 2
    before = len(client.runs())
    with pytest.raises(wb.WorkbenchError):
        client.sweep(client.demo(), seed=[1, -5])
    assert len(client.runs()) == before


def test_an_evaluation_is_made_read_and_compared(client, finished):
    sample = client.server()["sample"]["dataset"]
    settings = {"dataset": sample, "split": "modality/test/CT", "limit": 8, "max_new_tokens": 32}
    first = client.evaluate(finished, controls=["blank-image"], **settings).wait(timeout=300)
    again = client.evaluate(finished, controls=["blank-image"], **settings)
    assert again == first
    answers = first.answers()
    assert len(answers) == 8
    assert first.accuracy == answers["correct"].mean()
    report = first.report().set_index(["by", "name"])
    assert report.loc[("all", "all"), "total"] == 8
    assert report.loc[("control", "blank-image"), "total"] == 8
    second = client.evaluate(model=client.demo()["model_name_or_path"], variant="no-think", **settings).wait(timeout=300)
    comparison = client.compare(first, second)
    pair = comparison.pairs.iloc[0]
    assert pair["both"] + pair["only_a"] + pair["only_b"] + pair["neither"] == 8
    assert len(first.answers("flips", against=second)) == pair["only_a"] + pair["only_b"]
    assert pair["p_holm"] == pair["p"]
    assert list(comparison.summary["total"]) == [8, 8]
    assert comparison.summary["rate"].iloc[0] == first.accuracy
    assert comparison.agreement["letter_rate"].between(0, 1).all()
    assert set(comparison.slices["by"]) == {"modality", "question_type", "dataset"}
    assert list(comparison.apart.loc["variant"]) == ["think", "no-think"]
    questions = comparison.questions()
    assert len(questions) == 8
    assert questions["A_correct"].mean() == first.accuracy
    by_run = client.compare(f"{finished.id}:think", second)
    assert by_run.detail["evaluations"][0]["id"] == first.id
    assert comparison.votes.empty
    drawn = client.evaluate(finished, controls=["blank-image"], samples=4, temperature=0.8, **settings).wait(timeout=300)
    assert drawn == first
    votes = client.compare(first, second).votes
    assert list(votes["n"]) == [1, 2, 3, 4]
    assert votes["any"].is_monotonic_increasing
    assert (votes["low"] <= votes["majority"]).all()
    with pytest.raises(wb.WorkbenchError, match="two or more"):
        client.compare(first)
    with pytest.raises(wb.WorkbenchError, match="reading"):
        client.compare(first, second, reading="lax")
    assert first in client.evaluations()
    second.delete()
    assert second not in client.evaluations()


def test_generating_takes_its_arguments_by_name(client, finished):
    with pytest.raises(TypeError, match="temperatur"):
        client.generate("What is shown? A)cyst, B)nodule", run=finished, temperatur=1)


def test_what_the_package_offers_is_what_tab_completion_shows():
    assert {"connect", "selection", "dataset", "generate"} <= set(dir(wb))
    assert not {"os", "sys", "cache", "ModuleType"} & set(dir(wb))


def test_a_completion_can_be_asked_what_it_nearly_said_where_it_looked_and_when_it_decided(client, finished):
    rows = finished.rollouts(first=1, last=3, tokens=True)
    row = rows[rows["prediction"].notna()].iloc[0]
    near = finished.alternatives(row, top=3)
    assert near["place"].nunique() == len(row["token_ids"])
    assert near.groupby("place")["p"].apply(lambda p: p.is_monotonic_decreasing).all()
    assert near.attrs["wanted_step"] == row["step"] - 1
    assert near.attrs["step"] in {0, *finished.checkpoints()["step"]}
    said = near[near["said"]]
    assert np.allclose(said["p"], np.exp(said["logprob"]), atol=1e-5)

    at = (int(row["step"]), int(row["group"]), int(row["index"]))
    looked = finished.attribute(at, method="gradient", orders=2)
    assert looked.image.shape == (looked.image.shape[0], looked.image.shape[1]) and np.isfinite(looked.image).all()
    assert looked.verdict in {"better", "chance", "no-image"} and len(looked.check["random"]) == 2
    assert set(looked.words["part"]) == {"prompt", "image", "completion"}
    assert np.isclose(looked.words.query("part == 'image'")["value"].sum(), looked.image.sum(), atol=1e-4)
    assert "<svg" in looked._repr_html_() and "&lt;Attribution" not in repr(looked)
    plain = finished.attribute(at, orders=0, steps=20)
    assert plain.gap < 0.2 and plain.verdict is None and plain.words.empty

    decided = finished.decision(at)
    letters = list(decided.attrs["options"])
    assert np.allclose(decided[[*letters, "other"]].sum(axis=1), 1, atol=1e-4)
    assert decided["kept"].iloc[[0, -1]].tolist() == ([0, 1] if len(decided) > 1 else [0, 0])
    turned = finished.decision(at, order=[*range(1, len(letters)), 0], blank=True)
    assert list(turned.attrs["options"].values())[-1] == decided.attrs["options"]["A"]
    newest = finished.decision(at, policy="newest")
    assert newest.attrs["step"] == 3
    with pytest.raises(wb.WorkbenchError, match="no completion 99"):
        finished.decision((1, 0, 99))


def test_the_picture_of_a_map_lies_over_the_image(finished):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    row = finished.rollouts(3).iloc[0]
    axes = finished.attribute(row, token=0, method="occlusion", blocks=(2, 2), orders=1).plot()
    assert len(axes.images) == 2


def test_an_answer_of_generate_can_be_asked_about(client, finished):
    answer = client.generate("What is shown? A)a circle, B)a square", run=finished, max_new_tokens=16)
    near = answer.alternatives(top=2)
    assert near["place"].nunique() == len(answer.completions["token_ids"].iloc[0])
    decided = answer.decision(text="<think> It is round. </think> <answer> A </answer>")
    assert decided.attrs["options"] == {"A": "a circle", "B": "a square"}
    assert len(decided) == 2 and decided.attrs["step"] == 3


def test_how_far_answers_follow_from_their_reasoning(client, finished):
    sample = client.server()["sample"]["dataset"]
    settings = {"dataset": sample, "split": "modality/test/Dermoscopy", "limit": 6, "max_new_tokens": 48}
    evaluation = client.evaluate(model=client.demo()["model_name_or_path"], variant="think", **settings).wait(timeout=300)
    assert evaluation.faithfulness(limit=None).empty
    found = evaluation.faithfulness(limit=4, mistakes=False, show=False)
    assert found.attrs["looked_at"] == 4
    assert found.attrs["tested"] + found.attrs["no_reasoning"] + found.attrs["no_letter"] == 4
    assert set(found["test"]) <= {"early", "other", "filler"}
    assert (found["same_low"].le(found["same"]) & found["same"].le(found["same_high"])).all()
    assert set(found.attrs["area_over_curve"]) == set(found["test"])
    more = evaluation.faithfulness(limit=6, mistakes=False, show=False)
    assert more.attrs["looked_at"] == 6
    pd.testing.assert_frame_equal(evaluation.faithfulness(limit=None), more)

    direct = client.evaluate(model=client.demo()["model_name_or_path"], variant="no-think", **settings | {"max_new_tokens": 8}).wait(
        timeout=300
    )
    direct.faithfulness(limit=6, mistakes=False, show=False)
    comparison = client.compare(evaluation, direct)
    curves = comparison.faithfulness()
    assert set(curves["evaluation"]) == {evaluation.id} and list(curves["same"]) == list(more["same"])
    assert curves.attrs["area_over_curve"] == {evaluation.id: more.attrs["area_over_curve"], direct.id: {}}
    pairs = comparison.reasoning_pairs()
    whole = pairs[pairs["reasoning_a"] & pairs["reasoning_b"]].iloc[0]
    assert (whole["evaluation_a"], whole["evaluation_b"], whole["items"]) == (evaluation.id, direct.id, 6)
    assert whole[["both", "only_a", "only_b", "neither"]].sum() == 6
