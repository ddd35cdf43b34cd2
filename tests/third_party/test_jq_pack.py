"""A pack for jq that was written from the docs alone: it conforms, and is as small as docs/packs.md says."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstill.api import Draft, Engine, Example, OutcomeKind, find_problems

pytest.importorskip("jq", reason="the group 'dev' is not installed: jq")

SOURCE = Path(__file__).parent / "dstill_jq" / "src"
PACK = SOURCE / "dstill_jq" / "pack.py"
FIELDS = {".title": ["Tin Door"], ".pages": [1, 9]}
BOOKS = Example(id="1", question="?", context={"document": "books", "fields": FIELDS})


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SOURCE)


@pytest.fixture
def pack() -> Any:
    return importlib.import_module("dstill_jq.pack")


@pytest.fixture
def executor(pack: Any) -> Iterator[Any]:
    with pack.Jq().open(pack.JqTask(), Engine(timeout=60)) as opened:
        yield opened


def test_pack_has_at_most_350_lines() -> None:
    lines = [line for file in PACK.parent.glob("*.py") for line in file.read_text().splitlines() if line.strip()]
    assert 200 < len(lines) <= 350


@pytest.mark.slow
def test_pack_conforms(cli: Callable[..., Any]) -> None:
    ended = cli("--plugin", PACK, "pack", "check", "jq", "--limit", "4", "--json", toy=False)
    report = json.loads(ended.out)
    assert report["findings"] == []
    assert (ended.code, report["golds"]) == (0, 4)
    assert report["figures"]["mutation_score"] > 0.9


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("map(.title)", ".[] | .title", True),
        ("[.[] | .pages] | add / 2 * 2", "map(.pages) | add", True),
        ("length > 1", "1", False),
        ("map(.title)", "map(.title) | sort", False),
    ],
)
def test_results_are_compared_as_said(pack: Any, executor: Any, one: str, other: str, same: bool) -> None:
    results = [executor.run(answer, BOOKS) for answer in (one, other)]
    assert [result.kind for result in results] == [OutcomeKind.OK] * 2, results
    assert pack.JqTask().same(results[0].value, results[1].value) is same


def test_answer_that_takes_too_much_memory_is_at_fault_and_the_next_one_runs(executor: Any) -> None:
    outcome = executor.run('"much" * 900000000 | length', BOOKS)
    assert (outcome.kind, outcome.problems) == (OutcomeKind.INVALID, ())
    assert executor.run("length", BOOKS).value == [12]


@pytest.mark.parametrize(
    ("answer", "layers"),
    [
        (".[] | select(.pages > 3) | .title", []),
        (".[] | .publisher", ["fields"]),
        (".[] |", ["program"]),
        ("$ENV.HOME", ["program"]),
        ('error("weight")', []),
    ],
)
def test_layer_that_refuses(pack: Any, answer: str, layers: list[str]) -> None:
    assert [problem.layer for problem in find_problems(pack.JqTask(), BOOKS, Draft(answer=answer))] == layers
