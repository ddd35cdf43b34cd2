"""Runs of format 1 (such as `format1/`) still open; newer runs use other names in run.json and rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.installed import entry_points

from dstill.runs import format1
from dstill.runs.folder import RunFolder

OLD = Path(__file__).parent / "format1"
# keys of format 1 that no output may contain
OLD_NAMES = (
    "asked_again", "mended", "people", "changed_since", "enough", "said", "student_seconds", "made_of", "need", "unfit",
    "fullness", "here", "corpora", "told", "unchecked", "contrast", "vacuous", "silent_wrong", "asked.jsonl",
    "left_out",
)  # fmt: skip


@pytest.fixture
def old(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run; the report plugin is enabled."""
    here = {point.name for point in entry_points(group="dstill")} - {"teachers", "evaluate", "report"}
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(here)))
    return Path(shutil.copytree(OLD, project / "old"))


def keys(value: Any) -> set[str]:
    """The keys of all objects in `value`."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()


def test_manifest_is_shown_with_the_new_names(old: Path, cli: Callable[..., Any]) -> None:
    shown = json.loads(cli("runs", "show", "old", "--json").out)
    assert shown["schema_version"] == 2
    assert not keys(shown) & set(OLD_NAMES)
    trained = shown["stages"]["train"]
    assert trained["training_seconds"] == 0.1
    assert trained["review"]["n_rejected"] == 1
    assert trained["choice"][0]["memory_required"] == 50473795
    assert shown["stages"]["evaluate"]["test_suite"]["n_same_on_data"] == 1
    scores = shown["stages"]["evaluate"]["scores"]["student"]["test"]
    assert scores["silent_error_rate"]["name"] == "silent_error_rate"
    assert cli("runs", "show", "old").code == 0


def test_rows_are_read(old: Path) -> None:
    from conftest import TOY

    from dstill import plugins
    from dstill.runs.run import Run

    run = Run.open(old, plugins=plugins.load([TOY]))
    assert [inquiry.id for inquiry in run.teacher_requests()] == [f"q{n}" for n in range(1, 12)]
    right, wrong = run.verdicts()[:2]
    assert right.n_test_databases == 2
    assert wrong.result_diff is not None
    assert (wrong.result_diff.gold, wrong.result_diff.answer) == ("-4", "4")


def test_report_predict_and_compare_read_an_old_run(old: Path, cli: Callable[..., Any]) -> None:
    assert cli("report", "old").code == 0
    assert "Silent" in (old / "report.html").read_text()
    answer = json.loads(cli("predict", "old", "--execute", "--json", "add 2 and 1").out)
    assert (answer["answer"], answer["result"]) == ("1+2", 3)
    shutil.copytree(old, "other")
    found = json.loads(cli("experiment", "compare", "old", "other", "--json").out)
    assert found["comparisons"][0]["p_holm"] == 1.0


def test_evaluate_reuses_predictions_and_writes_the_new_format(old: Path, cli: Callable[..., Any]) -> None:
    before = (old / "predictions.jsonl").read_bytes()
    # its rows do not say which data they are about, as those of unseen data must now
    ended = cli("evaluate", "old", "--json", "--split", "test", "--split", "test_unseen_templates")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["silent_error_rate"] == pytest.approx(1 / 3)
    assert (old / "predictions.jsonl").read_bytes() == before  # those of format 1, as they are of this student
    written = json.loads((old / "run.json").read_text())
    assert written["schema_version"] == 2
    assert not keys(written) & set(OLD_NAMES)
    first = json.loads((old / "verdicts.jsonl").read_text().splitlines()[0])
    assert (first["schema_version"], first["trivial"]) == (2, False)


def test_rewritten_file_has_its_new_name_only(old: Path) -> None:
    run = RunFolder.read(old)
    run.write("requests.jsonl", [])
    assert not (old / "asked.jsonl").exists()
    assert list(run.rows("requests.jsonl")) == []
    run.discard("requests.jsonl")
    assert not (old / "requests.jsonl").exists()


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(("silent_wrong", "scores", "files")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("stages", "files", "evaluate", "scores", "corpora", "x")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(("stages", "files", "name")), _JSON))
def test_translation_accepts_any_json(value: dict[str, Any]) -> None:
    json.dumps(format1.manifest(value))
