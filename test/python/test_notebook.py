"""The example notebooks, run whole as a user runs them: in a kernel that inherited the connection file."""

import nbformat
import pytest
from nbclient import NotebookClient
from real_backend import ROOT, real_backend


def run(name, tmp_path):
    """What each cell shows, as text and HTML."""
    notebook = nbformat.read(ROOT / "examples" / name, as_version=4)
    with real_backend(tmp_path / "home") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    return [
        (output.get("text") or "") + "".join((output.get("data") or {}).get(kind) or "" for kind in ("text/plain", "text/html"))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


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


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "examples").glob("*.ipynb"))])
def test_an_example_notebook_is_kept_without_outputs(name):
    notebook = nbformat.read(ROOT / "examples" / name, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
