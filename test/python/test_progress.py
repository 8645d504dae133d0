"""The bar of calls that take long."""

import io
import sys

import pytest
from medr1_workbench import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_in_a_terminal_it_is_one_line_with_the_time_that_is_left(clock, monkeypatch):
    written = Terminal()
    monkeypatch.setattr(sys, "stderr", written)
    with progress.Progress("run x") as bar:
        bar.update(10, 60)
        clock[0] += 10
        bar.update(15, 60, "reward 1.2")  # five in ten seconds: 45 take 90
    first, second = written.getvalue().split("\r\x1b[2K")[1:]
    assert first == f"run x: 10 of 60 [{'#' * 5}{'.' * 25}]"
    assert second == f"run x: 15 of 60 [{'#' * 8}{'.' * 22}], 2 min left · reward 1.2\n"


def test_it_is_drawn_a_few_times_a_second_and_at_the_end_and_stands_after_an_interrupt(clock, monkeypatch):
    written = Terminal()
    monkeypatch.setattr(sys, "stderr", written)
    with pytest.raises(KeyboardInterrupt), progress.Progress("run x") as bar:
        for step in range(1, 101):
            clock[0] += 0.01
            bar.update(step, 100)
        raise KeyboardInterrupt
    lines = written.getvalue().split("\r\x1b[2K")[1:]
    assert len(lines) == 5
    assert lines[-1] == f"run x: 100 of 100 [{'#' * 30}]\n"


def test_what_is_not_known_has_no_time_left_and_a_file_gets_nothing(clock, monkeypatch):
    written = Terminal()
    monkeypatch.setattr(sys, "stderr", written)
    with progress.Progress("indexing") as bar:
        bar.update(3, 0, "<b>files</b>")
    assert written.getvalue() == "\r\x1b[2Kindexing: 3 · <b>files</b>\n"
    known = Terminal()
    monkeypatch.setattr(sys, "stderr", known)
    with progress.Progress("indexing") as bar:
        bar.update(0, 0, "done")
    assert known.getvalue() == "\r\x1b[2Kindexing: done\n"
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with progress.Progress("indexing") as bar:
        bar.update(3, 5)
    assert file.getvalue() == ""


def test_in_a_notebook_it_is_one_display_with_words_and_hostile_text_as_text(clock, monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data)

    display = pytest.importorskip("IPython.display")
    monkeypatch.setattr(display, "display", lambda data, raw, display_id: shown.append(data) or Handle())
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    with progress.Progress("run <b>x</b>") as bar:
        bar.update(1, 4)
        clock[0] += 1
        bar.update(2, 4)
    assert [data["text/plain"] for data in shown] == ["run <b>x</b>: 1 of 4", "run <b>x</b>: 2 of 4, 2 s left"]
    assert shown[1]["text/html"].startswith('<progress max="4" value="2"')
    assert "<b>" not in shown[1]["text/html"]
