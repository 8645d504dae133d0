import os
from pathlib import Path

import pytest
from medr1_workbench.files import write_whole


def test_a_file_takes_the_place_of_another_once_it_is_on_the_disk(tmp_path, monkeypatch):
    target = tmp_path / "m.csv"
    target.write_text("old")
    order = []
    replace, sync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("sync"), sync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda part, to: (order.append("named"), replace(part, to)))

    def write(part: Path) -> None:
        assert part.suffix == ".csv"
        assert target.read_text() == "old"
        part.write_text("new")

    write_whole(target, write)
    assert target.read_text() == "new"
    assert order == ["sync", "named", "sync"]
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_what_fails_half_way_leaves_the_file_of_before_and_no_other(tmp_path):
    target = tmp_path / "m.csv"
    target.write_text("old")

    def write(part: Path) -> None:
        part.write_text("ne")
        raise OSError("No space left on device")

    with pytest.raises(OSError):
        write_whole(target, write)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]
