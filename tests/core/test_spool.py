"""Sequences on disk: they behave as lists do, and a run is the same whether its rows are there or in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import (
    Cause,
    Example,
    Level,
    Message,
    Overlap,
    Prediction,
    Problem,
    Prompt,
    Record,
    Rejection,
    ResultDiff,
    Severity,
    Verdict,
)
from dstill.io import spool
from dstill.io.spool import Positions, Spool, View
from dstill.runtime import spooled

TEXT = st.text(st.characters(exclude_categories=()), max_size=4)  # half surrogates too
CONTEXTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.lists(st.booleans(), max_size=2)), max_size=2)
EXAMPLES = st.builds(Example, id=TEXT, question=TEXT, context=CONTEXTS, answer=st.none() | TEXT, extra=CONTEXTS)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly anything stays in memory."""
    for name, value in {"MEMORY_ITEMS": 3, "BLOCK": 4, "READ_AHEAD": 2, "PART_CACHE": 2}.items():
        monkeypatch.setattr(spool, name, value)


@pytest.mark.usefixtures("small")
@given(st.lists(EXAMPLES, max_size=12), st.data())
def test_spool_is_a_list_whose_items_can_be_replaced(rows: list[Example], data: st.DataObject) -> None:
    found = spooled.examples(rows)
    for row in data.draw(st.lists(EXAMPLES, max_size=3)):
        if rows:
            at = data.draw(st.integers(0, len(rows) - 1))
            assert found[at] == rows[at]
            found[at] = rows[at] = row
        found.append(row)
        rows.append(row)
    assert list(found) == rows
    assert [found[at] for at in range(-len(rows), len(rows))] == [rows[at] for at in range(-len(rows), len(rows))]
    assert found[1:-1] == rows[1:-1]
    with pytest.raises(IndexError):
        found[len(rows)]


@pytest.mark.usefixtures("small")
def test_rows_of_every_kind_come_back() -> None:
    problem = Problem(layer="form", code="no", message="not \ud800")
    example = Example(id="1", question="q", context={"a": [1]}, extra={"b": None})
    record = Record(id="1", question="q", rationale="r", answer="a", context={"a": [1]}, extra={"b": 2})
    rejection = Rejection(id="2", question="q", problems=(problem,), text="t")
    prompt = Prompt(example=example, messages=(Message(role="user", content="q"),), max_tokens_factor=4)
    answered = spooled.Answered(row=record, keys=("k",), problems=(problem,))
    right = Verdict(id="1", reached=Level.CORRECT, checked=Level.CORRECT, exact=True, template="t", split="test")
    wrong = Verdict(
        id="2",
        reached=Level.EXECUTED,
        checked=Level.CORRECT,
        problems=(problem, replace(problem, severity=Severity.WARNING, suggestion="s")),
        result_diff=ResultDiff(gold="1", answer="2"),
        cause=Cause(label="names", detail="d"),
        clauses=Overlap(shared=1, got=2, want=3),
    )
    many: dict[str, tuple[Spool[Any], list[Any]]] = {
        "labels": (spooled.labels(), [record, rejection]),
        "records": (spooled.records(), [record]),
        "prompts": (spooled.prompts(), [prompt]),
        "answers": (spooled.answers(), ["key", problem]),
        "answered": (spooled.answered(), [answered, spooled.Answered(row=rejection)]),
        "predictions": (spooled.predictions(), [Prediction(id="1", text="not \ud800", logprob=-0.5)]),
        "verdicts": (spooled.verdicts(), [right, wrong]),
    }
    for sequence, items in many.values():
        sequence.extend(items * 9)
        assert list(sequence) == items * 9


@pytest.mark.usefixtures("small")
def test_equal_contexts_are_one_object_on_disk() -> None:
    rows = spooled.examples(Example(id=str(n), question="q", context={"schema": "s" * 99}) for n in range(20))
    assert rows[1].context is rows[2].context


@given(st.lists(st.none() | st.sampled_from("abcde"), max_size=20))
def test_positions_of_keys(keys: list[str | None]) -> None:
    expected = {key: [at for at, one in enumerate(keys) if one == key] for key in "abcde"}
    index = Positions(keys)
    assert {key: index.find(key) for key in "abcde"} == expected
    assert sorted(index.repeated()) == sorted(found for found in expected.values() if len(found) > 1)


def test_view_is_made_when_it_is_read() -> None:
    rows = [1, 2, 3]
    doubled = View(lambda a, b: a + b, rows, rows)
    rows[0] = 7
    assert (list(doubled), doubled[-1], doubled[:2], len(doubled)) == ([14, 4, 6], 6, [14, 4], 3)


def test_dataset_is_the_same_from_disk_and_from_memory(
    project: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With repeated, refused, unanswered and wrongly answered questions."""
    asked = [
        {"id": f"q{n}", "question": f"add {n % 7 + 1} and {n % 5 + 1}{'?' * (n % 2)}", "template": f"t{n % 9}"}
        for n in range(90)
    ]
    answers = [
        {
            **one,
            "rationale": "r" * (at % 3),
            "answer": "none" if at % 11 == 0 else one["question"][4] + "+" + "1" * (at % 4),
        }
        for at, one in enumerate(asked)
        if at % 13
    ]
    for name, rows in {"questions.jsonl": asked, "answers.jsonl": answers}.items():
        (project / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    replay = ("--teacher", "replay", "--set", "teacher.replay.file=answers.jsonl", "--questions", "questions.jsonl")
    made = [cli("generate", *replay, "--out", "memory").code]
    for name, value in {"MEMORY_ITEMS": 3, "BLOCK": 4, "READ_AHEAD": 2, "PART_CACHE": 2}.items():
        monkeypatch.setattr(spool, name, value)
    made += [cli("generate", *replay, "--out", "disk").code]
    assert made[0] == made[1]

    def files(run: str) -> dict[str, bytes]:
        found = [*(project / run).glob("*.jsonl"), *(project / run / "dataset").rglob("*.jsonl")]
        return {str(file.relative_to(project / run)): file.read_bytes() for file in found}

    assert files("disk") == files("memory")
    assert {"rejects.jsonl", "requests.jsonl", "dataset/data/train.jsonl"} < files("disk").keys()
    assert cli("data", "curate", "disk").code == 0
    assert files("disk") == files("memory")


@pytest.mark.nightly
def test_memory_hardly_grows_with_rows(tmp_path: Path, root: Path) -> None:
    words = ("--generate", "15000,35000", "--evaluate", "0", "--out", str(tmp_path))
    subprocess.run([sys.executable, "-m", "benchmarks.scale", *words], cwd=root, check=True)
    few, many = json.loads((tmp_path / "scale.json").read_text())
    assert (many["megabytes"] - few["megabytes"]) * 1e6 / 20_000 < 3_000  # bytes a row; lists would need 5,700
