"""Audits of a task of sums, whose mutants and test databases are numbers to add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.offering import offering

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.protocols import NoTestDatabases, ResultProperties, TestDatabases
from dstill.api.records import Example, Mutant, Outcome, OutcomeKind, TestDatabase
from dstill.api.task import Task
from dstill.plugins import load
from dstill.quality.audit import audit, held_out_mutants
from dstill.quality.audit_report import Audit


class Machine(Executor):
    """Adds the number of the test database to every operand; `~` cannot be executed, `?` and 99 are refused."""

    name = "machine"

    def __init__(self) -> None:
        self.on_data: list[str] = []

    def execute(self, answer: str, example: Example) -> Outcome:
        if "test_database" not in example.context:
            self.on_data.append(answer)
        for sign, kind in (
            ("~", OutcomeKind.UNSUPPORTED),
            ("?", OutcomeKind.INVALID),
            ("99", OutcomeKind.INVALID),
            ("!", OutcomeKind.UNAVAILABLE),
        ):
            if sign in answer:
                return Outcome(kind=kind, reason=f"cannot count {answer}")
        more = example.context["test_database"].data["more"] if "test_database" in example.context else 0
        first, sign, second = answer.partition("-" if "-" in answer else "+")
        left, right = int(first) + more, int(second) + more
        return Outcome(kind=OutcomeKind.OK, value=left + right if sign == "+" else left - right)

    @property
    def label(self) -> str:
        return "machine 1"


@pytest.fixture
def task(toy_file: Path, project: Path) -> Task:
    toy: Any = load([toy_file]).task("toy")

    class Databases(TestDatabases):
        def mutants(self, example: Example) -> Iterable[Mutant]:
            a, b = int((example.answer or "")[0]), int((example.answer or "")[2])
            # killed on any data, killed by a test database only, surviving, not executable
            for name, answer in (
                ("off by one", f"{a}+{b + 1}"),
                ("minus", f"{a + 2 * b}-{b}"),
                ("turned", f"{b}+{a}"),
                ("odd", f"{a}+{b}~"),
            ):
                yield Mutant(name=name, answer=answer)

        def test_databases(self, example: Example, k: int) -> Iterator[TestDatabase]:
            if example.id == "unchecked":
                raise NoTestDatabases("there is no corpus for it")
            yield TestDatabase(name="ten more", data={"more": 10})

    class Properties(ResultProperties):
        def is_trivial(self, value: Any, example: Example) -> bool:
            return bool(value == 0)

        def is_nondeterministic(self, value: Any, example: Example) -> bool:
            return bool(value == 9)

    return offering(toy, Databases, Properties)()


def row(id: str, answer: str | None, question: str = "", **more: Any) -> Example:
    return Example(id=id, question=question or id, answer=answer, category="add", **more)


def audited(task: Task, *rows: Example, limit: int = 100) -> Audit:
    with Machine().open(task, Engine()) as machine:
        return audit(task, rows, machine, limit=limit)


def test_counts_killed_and_surviving_mutants_of_a_gold(task: Task) -> None:
    [gold] = audited(task, row("a", "1+2")).golds
    # "odd" cannot be executed and is not counted
    assert (gold.mutants, gold.killed, gold.survivors, gold.test_databases) == (3, 2, ("turned",), 1)
    assert gold.killed_by_data == 1
    assert gold.mutation_score == pytest.approx(2 / 3)


def test_reports_golds_that_fail(task: Task) -> None:
    answers = {
        "v": "0+0",
        "c": "4+5",
        "long": "100+1",
        "no": "none",
        "q": None,
        "fails": "99+2",
        "odd": "1?2",
        "away": "1+2!",
    }
    found = audited(task, *(row(id, answer) for id, answer in answers.items()))
    facts = found.to_json()
    assert (facts["golds"], facts["refusals"], facts["without_gold"]) == (7, 1, 1)
    assert (facts["trivial"], facts["nondeterministic"]) == (["v"], ["c"])
    assert [one["id"] for one in facts["refused"]] == ["long", "odd"]
    assert facts["failed"] == [{"id": "fails", "reason": "cannot count 99+2"}]
    assert facts["unavailable"] == [{"id": "away", "reason": "cannot count 1+2!"}]
    assert found.bad == ["3 of 7 reference answers fail a check or do not run"]


def test_gold_without_test_databases_has_a_reason(task: Task) -> None:
    facts = audited(task, row("unchecked", "1+2"), row("b", "1+2", "another")).to_json()
    assert facts["not_checked"] == {"there is no corpus for it": 1}
    assert facts["mutation_score"]["n"] == 1


def test_counts_killed_held_out_mutants(task: Task) -> None:
    given = row("a", "1+2", extra={"neighbours": ["1+3", {"name": "turned", "answer": "2+1"}, "1?3"]})
    facts = audited(task, given).to_json()["held_out_mutants"]
    assert facts == {"of": 3, "n_killed": 2, "survivors": [{"id": "a", "mutants": ("turned",)}]}
    assert list(held_out_mutants(row("b", "{}", extra={"neighbour": {"size": 1}}))) == [
        Mutant(name="b 1", answer='{"size":1}')
    ]
    assert not list(held_out_mutants(row("c", "{}")))


def test_answers_refused_by_checks_are_never_executed(task: Task) -> None:
    rows = [row("long", "100+1"), row("a", "1+2", "another", extra={"neighbours": ["1+3", "200+1"]})]
    with Machine().open(task, Engine()) as machine:
        found = audit(task, rows, machine, limit=9)
        assert isinstance(machine, Machine)
        assert "1+3" in machine.on_data
        assert not {"100+1", "200+1"} & set(machine.on_data)
    assert found.to_json()["held_out_mutants"]["n_killed"] == 2  # by the test databases


def test_contradictions_and_leaks_fail_the_audit(task: Task) -> None:
    rows = [("1", "1+2", "add", "train"), ("2", "1+3", "add", "test"), ("3", "1+2", "more", "train")]
    found = audited(task, *(row(id, answer, question, split=split) for id, answer, question, split in rows))
    assert found.bad == [
        "1 questions have different reference answers",
        "1 of 1 items of test shares a question with train",
    ]


def test_limit_bounds_execution_but_not_checks(task: Task) -> None:
    rows = [row(str(n), f"{n}+1") for n in range(1, 9)]
    found = audited(task, *rows, row("bad", "100+1"), limit=3)
    assert (found.ran, sum(bool(gold.outcome) for gold in found.golds), len(found.golds)) == (3, 3, 9)
    assert found.to_json()["refused"][0]["id"] == "bad"
    without = audit(task, rows, None, limit=3)
    assert (without.ran, without.engine, without.to_json()["mutation_score"]["n"]) == (0, "", 0)


def test_mutation_score_is_counted_by_class(task: Task) -> None:
    facts = audited(task, *(row(str(n), f"{n}+{n + 1}") for n in range(1, 5))).to_json()["mutation_score"]
    assert facts["classes"] == {"1": 0, "0.9": 0, "0.8": 0, "0.5": 4, "0": 0}
    assert facts["median"] == facts["minimum"] == pytest.approx(2 / 3)
