"""Checks of gold answers: which ones are unusable, and which wrong answers would be judged correct.

    audit(task, examples, executor, limit=200)
    → Audit(golds=[Gold(id="test-17", trivial=False, mutants=22, killed=21, survivors=("4→5",)), …], …)

Every gold answer is checked. `limit` of those that pass, spread over the splits, are also run on the data, and with
their mutants on test databases. A mutant (a slightly wrong answer) is *killed* when it gives another result than the
gold answer on one test database, or when the engine refuses it. The share of killed mutants is the *mutation score*.

Rows may have held-out mutants, which the task does not see when it makes test databases. They are in `Example.extra`:
``neighbour`` is one answer, ``neighbours`` a list of answers or of ``{"name", "answer"}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dstill.answering.steps import stratified_head
from dstill.api.checking import find_problems
from dstill.api.executor import Executor
from dstill.api.faults import about
from dstill.api.judging import MAX_TEST_DATABASES
from dstill.api.protocols import NoTestDatabases, ResultProperties, TestDatabases
from dstill.api.records import Draft, Example, Mutant, Outcome, OutcomeKind
from dstill.api.task import Task
from dstill.inputs.leakage import duplicates, leaks
from dstill.io.strict_json import dumps
from dstill.quality.audit_report import Audit, Gold

__all__ = ["audit", "audited", "held_out_mutants"]

Progress = Callable[[str, int, int], None]


def audit(
    task: Task,
    examples: Sequence[Example],
    executor: Executor | None,
    *,
    limit: int,
    progress: Progress = lambda *_: None,
) -> Audit:
    """`executor`: an opened one; None: gold answers are checked but not run."""
    answered = [example for example in examples if example.answer is not None]
    to_run = [example for example in answered if not _refuses(task, example)]
    chosen = {e.id for e in stratified_head(to_run, limit)} if executor else set()
    golds: list[Gold] = []
    for example in answered:
        golds.append(audited(task, example, executor if example.id in chosen else None))
        progress("auditing", len(golds), len(answered))
    return Audit(
        golds=golds,
        refusals=len(answered) - len(to_run),
        without=len(examples) - len(answered),
        ran=sum(bool(gold.outcome) for gold in golds),
        engine=executor.label if executor is not None else "",
        repeated=duplicates(answered, task.canonical),
        leaked=leaks(answered, task, golds=True),
    )


def audited(task: Task, example: Example, executor: Executor | None) -> Gold:
    """The findings about one gold answer. `executor`: an opened one; None: it is checked but not run."""
    with about(example.id):
        gold = _checked(task, example)
        return gold if executor is None or gold.problems else _run(task, example, executor, gold)


def _checked(task: Task, example: Example) -> Gold:
    draft = Draft(answer=example.answer or "", rationale=example.rationale or "")
    errors = tuple(problem for problem in find_problems(task, example, draft) if problem.is_error)
    return Gold(id=example.id, split=example.split, category=example.category, problems=errors)


def _refuses(task: Task, example: Example) -> bool:
    with about(example.id):
        return task.is_refusal(example.answer or "")


def _run(task: Task, example: Example, executor: Executor, gold: Gold) -> Gold:
    assert example.answer is not None
    base = executor.run(example.answer, example)
    gold = replace(gold, outcome=base.kind.value, reason=base.reason)
    if base.kind in (OutcomeKind.INVALID, OutcomeKind.UNAVAILABLE):
        return gold
    if base.kind is OutcomeKind.OK:
        value = base.value
        gold = replace(
            gold,
            trivial=ResultProperties.of(task).is_trivial(value, example),
            nondeterministic=ResultProperties.of(task).is_nondeterministic(value, example),
        )
    suite = _TestSuite(task, example, executor, base)
    gold = replace(gold, test_databases=len(suite.databases), test_suite_skipped=suite.skipped)
    mutants = [(mutant.name, suite.killed(mutant.answer)) for mutant in TestDatabases.of(task).mutants(suite.example)]
    mutants = [(name, killed) for name, killed in mutants if killed.by_databases is not None]
    held_out = [
        (held_out_mutant.name, suite.killed(held_out_mutant.answer)) for held_out_mutant in held_out_mutants(example)
    ]
    by_data = [killed.by_data for _, killed in mutants]
    return replace(
        gold,
        mutants=len(mutants),
        killed=sum(bool(killed.by_databases) for _, killed in mutants),
        killed_by_data=None if None in by_data or not mutants else sum(map(bool, by_data)),
        survivors=tuple(name for name, killed in mutants if not killed.by_databases),
        held_out=len(held_out),
        held_out_killed=sum(bool(killed.by_databases) for _, killed in held_out),
        held_out_survivors=tuple(name for name, killed in held_out if not killed.by_databases),
    )


def held_out_mutants(example: Example) -> Iterator[Mutant]:
    """The mutants in the user's row."""
    rows = example.extra.get("neighbours", example.extra.get("neighbour"))
    for number, row in enumerate(rows if isinstance(rows, list) else [] if rows is None else [rows], 1):
        named = isinstance(row, dict) and set(row) == {"name", "answer"}
        answer = row["answer"] if named else row
        text = answer if isinstance(answer, str) else dumps(answer)
        yield Mutant(name=str(row["name"]) if named else f"{example.id} {number}", answer=text)


@dataclass(frozen=True, kw_only=True)
class _Killed:
    """Whether a mutant gives another result than the reference answer; None: it could not be run."""

    by_data: bool | None
    by_databases: bool | None


@dataclass
class _TestSuite:
    """A gold answer with its results on the data and on test databases, to compare mutants with."""

    task: Task
    gold: Example
    executor: Executor
    base: Outcome
    databases: list[tuple[Example, Outcome]] = field(init=False, default_factory=list)
    skipped: str = field(init=False, default="")  # why there are no test databases

    def __post_init__(self) -> None:
        self.example = replace(self.gold, context={**self.gold.context, **self.executor.context(self.gold)})
        try:
            databases = list(TestDatabases.of(self.task).test_databases(self.example, MAX_TEST_DATABASES))
        except NoTestDatabases as problem:
            databases, self.skipped = [], str(problem)
        for database in databases:
            there = replace(self.example, context={**self.example.context, "test_database": database})
            want = self.executor.run(self.gold.answer or "", there)
            if want.kind is OutcomeKind.OK:
                self.databases.append((there, want))

    def killed(self, answer: str) -> _Killed:
        base = self.base
        by_data = None if base.kind is not OutcomeKind.OK else self._differs(answer, self.gold, base)
        by_databases = None
        for there, want in self.databases:
            differs = self._differs(answer, there, want)
            by_databases = by_databases if differs is None else differs
            if by_databases:
                break
        return _Killed(by_data=by_data, by_databases=by_databases)

    def _differs(self, answer: str, example: Example, want: Outcome) -> bool | None:
        got = self.executor.run(answer, example)
        if got.kind is OutcomeKind.INVALID:
            return True
        return None if got.kind is not OutcomeKind.OK else not self.task.same(got.value, want.value)
