"""The example notebooks, run whole as a user runs them: in a kernel that inherited the connection file."""

import math

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from real_backend import ROOT, real_backend


def run(name, tmp_path):
    """What each cell shows, as text, HTML and pictures."""
    notebook = nbformat.read(ROOT / "examples" / name, as_version=4)
    with real_backend(tmp_path / "home") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    return [
        (output.get("text") or "")
        + "".join((output.get("data") or {}).get(kind) or "" for kind in ("text/plain", "text/html", "image/svg+xml"))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def numbers(html):
    """A DataFrame as a cell shows it: row -> column -> number."""
    head, *rows = BeautifulSoup(html, "html.parser").find_all("tr")
    names = [cell.get_text() for cell in head.find_all("th")][1:]
    return {
        row.find("th").get_text(): dict(zip(names, (float(cell.get_text()) for cell in row.find_all("td")), strict=True))
        for row in rows
        if row.find("td")
    }


def test_the_first_run_runs_whole(tmp_path):
    shown = run("first-run.ipynb", tmp_path)
    assert any("rewards/accuracy/mean" in text and "<table" in text for text in shown)
    assert any("prediction" in text and "advantage" in text for text in shown)
    assert any("&#x27;format&#x27;: 0.5" in text or "'format': 0.5" in text for text in shown)
    assert any(">before<" in text and ">after<" in text for text in shown)


def test_the_data_notebook_runs_whole(tmp_path):
    shown = run("data.ipynb", tmp_path)
    assert any("Disease Diagnosis" in text and "Fundus" in text and "<table" in text for text in shown)
    counts = next(text for text in shown if "questions in the Data view" in text).split()
    assert counts[0] == counts[-2]
    assert int(counts[0]) > 0
    assert any("<Selection dataset='sample', item=" in text for text in shown)
    assert any(">prediction<" in text and ">correct<" in text for text in shown)
    assert any("<|vision_start|>" in text for text in shown)
    assert any("'unasked':" in text for text in shown)


def test_a_reward_that_a_notebook_writes_bends_the_curve(tmp_path):
    shown = run("write-a-reward.ipynb", tmp_path)
    assert any("<svg" in text and "A reward of my own" in text and "Rewards by function" in text for text in shown)
    assert any("<svg" in text and "data:image/png" in text for text in shown), "the group with its image"
    table = next(text for text in shown if ">before<" in text and ">after<" in text)
    before, after = (numbers(table)[row] for row in ("before", "after"))
    assert math.isnan(before["rewards/short/mean"])
    assert after["reward"] > before["reward"] + after["rewards/short/mean"], "twice the mean of the new function, more or less"


def test_a_run_that_was_broken_on_purpose_is_mended_from_its_alert(tmp_path):
    shown = run("mend-a-run.ipynb", tmp_path)
    assert any(">truncated<" in text for text in shown)
    assert any("of 16 tokens" in text for text in shown)
    assert any("'max_completion_length': 32" in text for text in shown)
    assert any(text.endswith("mended\n") for text in shown)
    table = next(text for text in shown if "<table" in text and "completions/clipped_ratio" in text)
    first, last = (row["completions/clipped_ratio"] for row in numbers(table).values())
    assert first > 0.5 > last


def test_thinking_and_no_thinking_are_side_by_side(tmp_path):
    shown = run("think-or-not.ipynb", tmp_path)
    side_by_side = next(text for text in shown if "<svg" in text and "Completion length" in text)
    assert side_by_side.count("step 12 of 12") >= 2
    assert sum("<svg" in text and "data:image/png" in text for text in shown) == 2


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "examples").glob("*.ipynb"))])
def test_an_example_notebook_is_kept_without_outputs(name):
    notebook = nbformat.read(ROOT / "examples" / name, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
