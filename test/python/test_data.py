"""Data sets, the browser's view and answers of models from a notebook, against a real backend."""

import asyncio

import httpx
import medr1_workbench as wb
import pandas as pd
import pytest
from medr1_workbench.dataset import COLUMNS, Dataset
from real_backend import COMMAND, prepare_home, real_backend

SMALL = {"max_steps": 3, "per_device_train_batch_size": 16, "num_generations": 4}
NOTHING = {"dataset": None, "item": None, "runs": [], "step": None, "group": None, "completion": None, "token": None, "variant": None}
NOTHING |= {"evaluations": [], "search": None}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with real_backend(tmp_path_factory.mktemp("home")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        client = wb.connect()
        client.add_dataset(client.server()["sample"]["dataset"], "made", images=False, timeout=120)
        yield client


@pytest.fixture(scope="module")
def made(client):
    return client.dataset("made")


@pytest.fixture(scope="module")
def finished(client):
    return client.train(client.demo(**SMALL)).wait(timeout=300)


class Answers:
    """A client with these answers, one after another; an exception is raised."""

    def __init__(self, *answers):
        self.answers = iter(answers)

    def request(self, *_args, **_query):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _filled(lines):
    """Blocks of ids as whole blocks."""
    return [{name: [None] * len(line["id"]) for name in COLUMNS} | line if "id" in line else line for line in lines]


class TestRows:
    def test_all_of_them_are_a_frame_each_question_once(self, made):
        rows = made.rows()
        assert len(rows) == len(made) > 500
        assert rows["id"].is_unique
        assert {"question", "options", "answer", "modality", "question_type", "splits", "image"} <= set(rows.columns)
        assert isinstance(rows["options"].iloc[0], list)

    def test_facets_are_keywords_with_one_value_or_several(self, made):
        modalities = list(made.counts()["modality"])[:2]
        one = made.rows(modality=modalities[0])
        assert set(one["modality"]) == {modalities[0]}
        assert len(one) == made.counts()["modality"][modalities[0]]
        both = made.rows(modality=modalities, answer="A")
        assert set(both["modality"]) == set(modalities)
        assert set(both["answer"]) == {"A"}
        assert len(made.where(modality=modalities[0]).rows(answer="A")) == len(one[one["answer"] == "A"])
        assert len(made.where(facets={"modality": [modalities[0]]})) == len(one)
        four = made.rows(options=4, limit=7)
        assert len(four) == 7
        assert four["options"].map(len).eq(4).all()

    def test_ids_by_the_ten_thousand(self, made):
        some = list(made.rows(limit=20)["id"])
        asked = [*(f"no-such-question-{n:024}" for n in range(40_000)), *some]
        assert sum(map(len, asked)) > 1 << 20
        assert set(made.rows(ids=asked)["id"]) == set(some)
        assert made.where(ids=asked).counts()["modality"] == made.where(ids=some).counts()["modality"]

    def test_search_ids_split_and_order(self, made):
        ids = made.rows(limit=3)["id"]
        assert list(made.rows(ids=ids)["id"]) == list(ids)
        assert list(made.rows(ids=list(ids), sort="id", descending=True)["id"]) == sorted(ids, reverse=True)
        split, size = next(iter(made.splits().items()))
        assert len(made.where(split=split)) == size
        word = made.rows(limit=1)["question"].iloc[0].split()[0]
        assert made.rows(q=word, limit=20)["question"].str.contains(word, case=False).any()
        assert made.rows(q="zzzznothing").empty
        assert "question" in made.rows(q="zzzznothing").columns

    def test_a_filter_that_is_none_is_refused_by_name(self, made):
        with pytest.raises(TypeError, match="modalty is no filter; did you mean modality"):
            made.rows(modalty="CT")
        with pytest.raises(wb.WorkbenchError, match="DATA_FACET"):
            made.where(facets={"colour": ["red"]}).rows()

    def test_a_data_set_is_found_by_name_or_folder_and_a_missing_one_named_with_those_there_are(self, client, made):
        assert client.dataset(made.detail()["dir"]).name == "made"
        assert [each.name for each in client.datasets()] == ["made"]
        assert wb.dataset("made", answer="B").query == {"facets": {"answer": ["B"]}}
        with pytest.raises(wb.WorkbenchError) as caught:
            wb.dataset("mad")
        assert caught.value.code == "DATA_UNKNOWN"
        assert "made" in caught.value.remedy

    @pytest.mark.parametrize("broken", [[{"total": 2}, {"id": ["a"]}], [{"total": 2}, {"id": ["a"]}, {"end": 2}], [{"total": 2}]])
    def test_an_answer_that_was_cut_off_is_an_error(self, broken):
        with pytest.raises(wb.WorkbenchError, match="DATA_CUT"):
            Dataset(Answers(_filled(broken)), "x").rows()

    def test_an_index_made_anew_meanwhile_is_read_again(self):
        changed = wb.WorkbenchError("DATA_CURSOR", "m", "r")
        lines = _filled([{"total": 2}, {"id": ["a"]}, {"id": ["b"]}, {"end": 2}])
        assert list(Dataset(Answers(changed, lines), "x").rows()["id"]) == ["a", "b"]
        with pytest.raises(wb.WorkbenchError, match="DATA_CURSOR"):
            Dataset(Answers(changed, changed, changed), "x").rows()

    def test_the_columns_have_the_same_types_whatever_the_rows(self, client, made, finished):
        whole, none, nothing_known = made.rows(runs=finished), made.rows(q="zzzznothing", runs=finished), made.rows(limit=3, runs=finished)
        assert none.empty
        assert made.rows(limit=0).empty
        assert none.dtypes.equals(whole.dtypes)
        assert nothing_known.dtypes.equals(whole.dtypes)
        assert whole["width"].dtype == "Int64"
        asked = whole[f"run:{finished.id}"].notna()
        never, once = (made.answers(whole["id"][rows].iloc[0], finished) for rows in (~asked, asked))
        assert never.empty
        assert never.dtypes.equals(once.dtypes)
        found = client.search(finished, limit=5).dtypes.drop(["reward/accuracy", "reward/format"])
        assert client.search(finished, "zzzznothing").dtypes.equals(found)
        assert finished.completion_notes().dtypes["updated_at"].kind == "M"
        assert client.metrics([], "reward").dtypes.equals(client.metrics([finished], "reward").dtypes)
        empty = client.table([]).dtypes
        assert empty.equals(client.table([finished]).dtypes[empty.index])

    def test_what_a_notebook_shows_is_plain_text(self, made):
        html = made._repr_html_()
        assert "<table" in html
        assert "<script" not in Dataset(made._client, "made")._repr_html_()
        assert f"{len(made)} questions" in repr(made)


class TestCheck:
    @pytest.mark.parametrize(
        ("keys", "code"),
        [
            ({"model_name_or_path": "nope"}, "MODEL_MISSING"),
            ({"dataset_name": "nope"}, "DATA_NOT_FOUND"),
            ({"dataset_train_split": "modality/trian"}, "DATA_SPLIT_UNKNOWN"),
            ({"dataset_test_split": "modality/tset"}, "DATA_SPLIT_UNKNOWN"),
            ({"modality": ["Daguerreotype"]}, "DATA_EMPTY"),
            ({"reward_funcs": ["acc"]}, "REWARD_UNKNOWN"),
        ],
    )
    def test_deep_looks_at_model_data_splits_and_rewards(self, client, keys, code):
        config = client.demo(**keys)
        client.check(config)  # all of it is well formed
        with pytest.raises(wb.WorkbenchError) as caught:
            client.check(config, deep=True)
        assert caught.value.code == code

    def test_deep_finds_nothing_wrong_with_the_demo_and_tries_functions_of_the_notebook(self, client):
        def fine(completions, **_):
            return [1.0] * len(completions)

        def broken(completions, **_):
            raise RuntimeError("no")

        assert client.check(client.demo(), deep=True)["max_steps"] > 0
        client.check(client.demo(reward_funcs=["accuracy", fine]), deep=True)
        with pytest.raises(wb.WorkbenchError, match="no"):
            client.check(client.demo(reward_funcs=["accuracy", broken]), deep=True)

    def test_a_relative_path_is_of_the_notebooks_folder(self, client, tmp_path, monkeypatch):
        model = client.demo()["model_name_or_path"]
        (tmp_path / "mine").symlink_to(model)
        monkeypatch.chdir(tmp_path)
        checked = client.check(client.demo(model_name_or_path="mine"), deep=True)
        assert checked["model_name_or_path"] == str(tmp_path / "mine")
        assert wb.generate("Q", model="./mine", max_new_tokens=2).model == str(tmp_path / "mine")


class TestNotes:
    def test_tags_are_a_facet_and_notes_a_column(self, made):
        ids = list(made.rows(limit=3)["id"])
        made.where(ids=ids[:2]).tag("hard", "odd").untag("odd")
        made.note(ids[2], "glare at the rim")
        assert set(made.rows(tag="hard")["id"]) == set(ids[:2])
        assert made.counts()["tag"] == {"hard": 2}
        assert made.where(q="tag:hard").rows()["tags"].iloc[0] == ["hard"]
        notes = made.notes().set_index("item")
        assert notes.loc[ids[2], "note"] == "glare at the rim"
        assert set(notes["author"]) == {"notebook"}
        made.where(ids=ids).untag("hard")
        made.note(ids[2], "")
        assert made.notes().empty


class TestAnswers:
    def test_of_a_run_are_a_column_a_filter_and_all_it_said(self, made, finished):
        asked = set(finished.rollouts(first=1, last=3)["item_id"])
        rows = made.where(runs=finished).rows()
        column = rows.set_index("id")[f"run:{finished.id}"]
        assert set(column.dropna().index) == asked
        assert set(column.dropna()) <= {"right", "wrong", "mixed"}
        wrong = made.rows(facets={f"run:{finished.id}": ["wrong"]})
        assert set(wrong["id"]) == set(column[column == "wrong"].index)
        item = column.dropna().index[0]
        said = made.answers(item, [finished])
        assert set(said["run"]) == {finished.id}
        assert len(said) % 4 == 0
        assert said["text"].str.len().gt(0).any()


class TestView:
    def test_a_page_that_shows_nothing_has_no_selection(self, made):
        with pytest.raises(wb.WorkbenchError, match="shows no data set, not made"):
            made.selection()

    def test_the_selection_is_read_and_moved(self, client, finished):
        wb.selection = {"runs": [finished], "step": 3, "group": 1}
        assert dict(wb.selection) == {**NOTHING, "runs": [finished.id], "step": 3, "group": 1}
        assert wb.selection.link == f"medr1:?runs={finished.id}&step=3&group=1"
        client.selection = {"step": 2}
        assert (wb.selection.step, wb.selection["group"]) == (2, None)
        assert "step=2" in repr(wb.selection)
        with pytest.raises(wb.WorkbenchError) as caught:
            wb.selection = {"stepp": 2}
        assert caught.value.status == 400
        with pytest.raises(AttributeError, match="the selection has no stepp; it has dataset"):
            _ = wb.selection.stepp

    def test_the_browsers_filter_is_set_and_what_is_picked_there_is_read(self, client, made):
        narrow = made.filter(answer="A", q="what")
        assert client.view()["data"] == {"dataset": "made", "query": narrow.query, "chosen": narrow.query}
        assert wb.selection.dataset == "made"
        assert len(made.selection()) == len(narrow)
        # as a page says it, with two questions picked
        ids = list(made.rows(limit=2)["id"])
        page = {"by": "page", "data": {"dataset": "made", "query": {}, "chosen": {"ids": ids}}}
        client.request("PATCH", "/view", page)
        assert list(made.selection()["id"]) == ids


class TestGenerate:
    QUESTION = "What is shown? A)a circle, B)a square"

    def test_a_model_directory_answers(self, client):
        model = next(iter(client.server()["sample"]["models"].values()))
        answer = wb.generate(self.QUESTION, model=model, max_new_tokens=24)
        assert (answer.run, answer.step, answer.model) == (None, None, model)
        assert answer.text == answer.completions["text"].iloc[0]
        assert answer.completions["tokens"].map(len).le(24).all()
        assert wb.generate(self.QUESTION, model=model, max_new_tokens=24).text == answer.text
        assert answer.prompt["image"] is None
        assert "&lt;" not in repr(answer)
        assert "<table" in answer._repr_html_()

    def test_a_finished_run_answers_an_item_of_its_data_from_its_last_checkpoint(self, finished, made):
        item = made.rows(limit=1)["id"].iloc[0]
        answer = finished._client.generate(run=finished, item=item, num=3, temperature=1, seed=1, max_new_tokens=16)
        assert (answer.run, answer.step) == (finished.id, 3)
        assert len(answer.completions) == 3
        assert answer.completions["correct"].isin([True, False]).all()
        assert answer.prompt["image"]["tokens"] > 0
        again = wb.generate(run=finished.id, item=item, dataset=made, num=3, temperature=1, seed=1, max_new_tokens=16)
        pd.testing.assert_frame_equal(answer.completions, again.completions)
        alone = wb.generate(run=finished, item=item, num=0)
        assert alone.completions.empty
        assert alone.text == ""

    def test_the_model_sees_a_stretch_of_the_image_or_none_of_it_and_its_answers_have_rewards(self, finished, made):
        item = made.rows(limit=1)["id"].iloc[0]
        ask = {"run": finished, "item": item, "dataset": made, "max_new_tokens": 8}
        whole, part, none = wb.generate(**ask), wb.generate(**ask, crop=(10, 0, 60, 50)), wb.generate(**ask, blank=True, rewards=True)
        assert (part.prompt["image"]["width"], part.prompt["image"]["height"]) == (60, 50)
        assert len({tuple(each.completions["logprobs"].iloc[0]) for each in (whole, part, none)}) == 3
        assert {"reward/accuracy", "reward/format", "reward"} <= set(none.completions.columns)
        assert none.completions["reward"].iloc[0] == none.completions[["reward/accuracy", "reward/format"]].sum(axis="columns").iloc[0]
        assert none.reward_errors == {}
        assert "reward" not in whole.completions

    def test_a_run_in_training_answers_and_trains_on_to_the_same_numbers(self, client, finished):
        run = client.train(client.demo(**{**SMALL, "max_steps": 3}))
        run.wait(step=1, timeout=300)
        answer = client.generate(self.QUESTION, run=run, max_new_tokens=16)
        assert answer.run == run.id
        assert 1 <= answer.step <= 3
        run.wait(timeout=300)
        names = ["reward", "loss", "kl", "grad_norm", "entropy", "completions/mean_length"]
        pd.testing.assert_frame_equal(run.metrics(names)[names], finished.metrics(names)[names], check_exact=True)

    def test_what_cannot_be_answered_says_why(self, client, finished):
        for asked, code in [
            ({"run": finished, "item": "no such item"}, "DATA_ITEM_UNKNOWN"),
            ({"run": finished, "step": 2, "question": "Q"}, "CHECKPOINT_UNKNOWN"),
            ({"model": "/nowhere", "question": "Q"}, "MODEL_MISSING"),
            ({"question": "Q"}, "REQUEST_INVALID"),
        ]:
            with pytest.raises(wb.WorkbenchError) as caught:
                client.generate(**asked)
            assert caught.value.code == code

    def test_it_may_take_longer_than_other_requests(self, monkeypatch):
        seen = []

        def answer(request):
            seen.append(request.extensions["timeout"]["read"])
            return httpx.Response(500, json={"code": "X", "message": "m", "remedy": "r"})

        client = wb.Client(httpx.Client(base_url="http://localhost/api", transport=httpx.MockTransport(answer)))
        for ask in (lambda: client.generate("Q", model="m"), client.runs):
            with pytest.raises(wb.WorkbenchError):
                ask()
        assert seen[0] > 600 > seen[1]


class TestThroughJupyter:
    @pytest.fixture
    def backend_command(self, tmp_path):
        prepare_home(tmp_path / "home")
        return COMMAND

    async def test_an_answer_comes_through_the_relay(self, running, http_server, jp_serverapp, jp_http_port, jp_base_url):
        token = jp_serverapp.identity_provider.token

        def work():
            client = wb.connect(f"http://127.0.0.1:{jp_http_port}{jp_base_url}", token)
            model = next(iter(client.server()["sample"]["models"].values()))
            client.selection = {"step": 7}
            return client.generate("Q", model=model, max_new_tokens=4), client.selection.step

        answer, step = await asyncio.to_thread(work)
        assert len(answer.completions) == 1
        assert step == 7
