"""The example notebook, run whole as a user runs it: in a kernel that inherited the connection file."""

import nbformat
import pytest
from nbclient import NotebookClient
from real_backend import ROOT, real_backend


def test_the_example_notebook_runs_whole(tmp_path):
    notebook = nbformat.read(ROOT / "examples/first-run.ipynb", as_version=4)
    with real_backend(tmp_path / "home") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDR1_CONNECTION_FILE", str(folder.file))
        NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        (output.get("text") or "") + "".join(output.get("data", {}).get("text/html") or "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert any("rewards/accuracy/mean" in text and "<table" in text for text in shown)
    assert any("prediction" in text and "advantage" in text for text in shown)
    assert any("&#x27;format&#x27;: 0.5" in text or "'format': 0.5" in text for text in shown)
    assert any(">before<" in text and ">after<" in text for text in shown)


def test_the_example_notebook_is_kept_without_outputs():
    notebook = nbformat.read(ROOT / "examples/first-run.ipynb", as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
