"""Relative paths of a notebook are of its folder."""

import os
from pathlib import Path

import pytest
from medr1_workbench.paths import model_place, place, placed


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
    assert model_place("nope") == str(folder / "nope")
    assert placed({"model_name_or_path": "org/model"}, [])["model_name_or_path"] == str(folder / "org/model")
    assert [model_place(""), model_place(None)] == ["", None]


def test_the_name_of_a_data_set_goes_before_a_folder_of_that_name(folder):
    assert place("sample", known=["sample"]) == "sample"
    assert place("./sample", known=["sample"]) == str(folder / "sample")
    config = {"model_name_or_path": "models", "dataset_name": "sample", "seed": 1}
    assert placed(config, ["sample"]) == {"model_name_or_path": str(folder / "models"), "dataset_name": "sample", "seed": 1}
    assert placed({"seed": 1}, ["sample"]) == {"seed": 1}
