"""Gold checks over any dataset: which golds are no use, and which wrong answers would pass for them.

    audit(task, examples, executor, limit=200)
    → Audit(golds=[Gold(id="weblogs-17", trivial=False, mutants=22, killed=21, survivors=("size→11",), …)], …)

Every gold is checked; `limit` of them, each set its share, are also run: on the data, and with
their neighbours on the corpora made for them. A gold that the checks refuse is not run. A neighbour that
gives another result on one of the corpora is *told*; so is one that the checks or the engine refuse. The
*kill rate* is the share told. Rows may
bring held-back neighbours of their own, which the maker of corpora never sees (`extra`:
``neighbour``, or ``neighbours`` as a list of answers or of ``{"name", "answer"}``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Iterator, Sequence

from dstill.api.checking import find_problems
from dstill.api.executor import Executor
from dstill.api.faults import about
from dstill.api.judging import MAX_TEST_DATABASES
from dstill.api.protocols import NoTestDatabases, ResultProperties, TestDatabases
from dstill.api.records import Draft, Example, Mutant, Outcome, OutcomeKind
from dstill.api.task import Task
from dstill.io.strict_json import dumps
from dstill.pipeline.audit_report import Audit, Gold
from dstill.pipeline.leakage import duplicates, leaks
from dstill.pipeline.steps import stratified_head

__all__ = ["audit", "held_back"]

Progress = Callable[[str, int, int], None]


def audit(
    task: Task,
    examples: Sequence[Example],
    executor: Executor | None,
    *,
    limit: int,
    progress: Progress = lambda what, done, total: None,
) -> Audit:
    """`executor` is open already; None: golds are checked and not run."""
    answered = [example for example in examples if example.answer is not None]
    to_run = [example for example in answered if not _refuses(task, example)]
    chosen = {e.id for e in stratified_head(to_run, limit)} if executor else set()
    golds: list[Gold] = []
    for example in answered:
        with about(example.id):
            gold = _checked(task, example)
            if executor is not None and example.id in chosen and not gold.problems:
                gold = _run(task, example, executor, gold)
        golds.append(gold)
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
    bench = _Bench(task, example, executor, base)
    gold = replace(gold, test_databases=len(bench.corpora), test_suite_skipped=bench.unchecked)
    known = [(one.name, bench.killed(one.answer)) for one in TestDatabases.of(task).mutants(bench.example)]
    known = [(name, told) for name, told in known if told.by_corpora is not None]
    pairs = [(one.name, bench.killed(one.answer)) for one in held_back(example)]
    by_base = [told.by_base for _, told in known]
    return replace(
        gold,
        mutants=len(known),
        killed=sum(bool(told.by_corpora) for _, told in known),
        killed_by_data=None if None in by_base or not known else sum(map(bool, by_base)),
        survivors=tuple(name for name, told in known if not told.by_corpora),
        held_out=len(pairs),
        held_out_killed=sum(bool(told.by_corpora) for _, told in pairs),
        held_out_survivors=tuple(name for name, told in pairs if not told.by_corpora),
    )


def held_back(example: Example) -> Iterator[Mutant]:
    """The neighbours that a row of the user's brings."""
    given = example.extra.get("neighbours", example.extra.get("neighbour"))
    for number, one in enumerate(given if isinstance(given, list) else [] if given is None else [given], 1):
        named = isinstance(one, dict) and set(one) == {"name", "answer"}
        answer = one["answer"] if named else one
        text = answer if isinstance(answer, str) else dumps(answer)
        yield Mutant(name=str(one["name"]) if named else f"{example.id} {number}", answer=text)


@dataclass(frozen=True, kw_only=True)
class Killed:
    """Whether a neighbour is told from the gold; None: it could not be run."""

    by_base: bool | None
    by_corpora: bool | None


@dataclass
class _Bench:
    """One gold on its data and corpora, for as many neighbours as there are."""

    task: Task
    gold: Example
    executor: Executor
    base: Outcome
    corpora: list[tuple[Example, Outcome]] = field(init=False, default_factory=list)
    unchecked: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.example = replace(self.gold, context={**self.gold.context, **self.executor.context(self.gold)})
        try:
            made = list(TestDatabases.of(self.task).test_databases(self.example, MAX_TEST_DATABASES))
        except NoTestDatabases as problem:
            made, self.unchecked = [], str(problem)
        for database in made:
            there = replace(self.example, context={**self.example.context, "test_database": database})
            want = self.executor.run(self.gold.answer or "", there)
            if want.kind is OutcomeKind.OK:
                self.corpora.append((there, want))

    def killed(self, answer: str) -> Killed:
        base = self.base
        by_base = None if base.kind is not OutcomeKind.OK else self._differs(answer, self.gold, base)
        found = None
        for there, want in self.corpora:
            differs = self._differs(answer, there, want)
            found = found if differs is None else differs
            if found:
                break
        return Killed(by_base=by_base, by_corpora=found)

    def _differs(self, answer: str, example: Example, want: Outcome) -> bool | None:
        got = self.executor.run(answer, example)
        if got.kind is OutcomeKind.INVALID:
            return True  # it is not even taken
        return None if got.kind is not OutcomeKind.OK else not self.task.same(got.value, want.value)
