"""The notebook in docs/notebooks runs as it is, and docs/python.md shows its cells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path("docs", "notebooks", "first-student.ipynb")


@pytest.fixture(scope="module")
def notebook(root: Path) -> Any:
    import nbformat

    found = nbformat.read(root / NOTEBOOK, as_version=4)
    nbformat.validate(found)
    return found


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebook_is_stored_without_outputs(notebook: Any) -> None:
    assert code(notebook)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(notebook))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_python_page_shows_cells_of_the_notebook(notebook: Any, root: Path) -> None:
    page = (root / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)\n^```$", page, re.MULTILINE | re.DOTALL)
    cells = [cell.source for cell in code(notebook)]
    assert len(blocks) >= 6
    assert [block for block in blocks if block not in cells] == []


@pytest.mark.nightly
def test_notebook_runs(notebook: Any, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = {cell.source: cell.outputs for cell in code(notebook)}

    def data(beginning: str, kind: str) -> str:
        (last,) = (outputs[source][-1] for source in outputs if source.startswith(beginning))
        return str(last["data"][kind])

    assert "<caption>executable accuracy</caption>" in data("import dstill", "text/html")
    assert re.fullmatch(r"\(\d\.\d+, \d\.\d+, \d\.\d+, \d+\)", data("accuracy =", "text/plain"))
    assert " judged answers</caption>" in data("run.failures()", "text/html")
    assert "dataframe" in data('run.failures("test")', "text/html")
    assert "<th>answer</th>" in data("answer =", "text/html")
    ran = data("record =", "text/plain")
    assert ran.startswith("('ok',")
    assert "not run: guard: " in ran
    assert "'per_second'" in data('run = dstill.Run.open("runs/first")', "text/plain")
