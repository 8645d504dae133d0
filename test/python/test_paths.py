"""Relative paths of a notebook are of its folder."""

import json
import os
from pathlib import Path

import httpx
import pytest
from medr1_workbench.client import Client
from medr1_workbench.errors import WorkbenchError
from medr1_workbench.paths import place, placed, whole_path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "sample").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_here_gets_its_whole_path(folder):
    assert place("models") == str(folder / "models")
    assert place(Path("models")) == str(folder / "models")
    assert place("~") == os.path.expanduser("~")


def test_what_is_written_as_a_path_is_one_whether_it_is_there_or_not(folder):
    assert place("./nope") == str(folder / "nope")
    assert place("../nope") == str(folder.parent / "nope")
    assert place(Path("nope")) == str(folder / "nope")


@pytest.mark.parametrize("name", ["omnimedvqa", "org/model", "", None])
def test_a_name_stays_one(name):
    assert place(name) == name


def test_a_model_that_is_not_there_is_missed_in_this_folder(folder):
    assert whole_path("nope") == str(folder / "nope")
    assert placed({"model_name_or_path": "org/model"}, [])["model_name_or_path"] == str(folder / "org/model")
    assert [whole_path(""), whole_path(None)] == ["", None]


def test_the_name_of_a_data_set_goes_before_a_folder_of_that_name(folder):
    assert place("sample", known=["sample"]) == "sample"
    assert place("./sample", known=["sample"]) == str(folder / "sample")
    config = {"model_name_or_path": "models", "dataset_name": "sample", "seed": 1}
    assert placed(config, ["sample"]) == {"model_name_or_path": str(folder / "models"), "dataset_name": "sample", "seed": 1}
    assert placed({"seed": 1}, ["sample"]) == {"seed": 1}
    rewards = ["accuracy", "mine.ts", Path("other.js"), "kernel.py", len]
    whole = ["accuracy", str(folder / "mine.ts"), str(folder / "other.js"), "kernel.py", len]
    assert placed({"reward_funcs": rewards}, [])["reward_funcs"] == whole


@pytest.mark.parametrize(("local", "at"), [(True, lambda folder: str(folder / "nope")), (False, lambda _: "nope")])
def test_a_folder_of_data_is_of_this_folder_unless_the_backend_is_elsewhere(folder, local, at):
    asked = []

    def refuse(request):
        asked.append(json.loads(request.content))
        return httpx.Response(404, json={"code": "DATA_NOT_FOUND", "message": "no", "remedy": "none"})

    client = Client(httpx.Client(base_url="http://host/medr1/api", transport=httpx.MockTransport(refuse)), local=local)
    with pytest.raises(WorkbenchError):
        client.add_dataset("nope", images="nope", show=False)
    assert asked == [{"dir": at(folder), "images_dir": at(folder)}]
