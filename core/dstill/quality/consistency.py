"""Cheap signs that a task pack contradicts itself, which generate, evaluate and audit tell as warnings.

    for_questions(task, examples)                   → ["9 of 12 reference answers of test are refusals: …"]
    for_verdicts(task, examples, verdicts, executor) → ["3 answers are the reference in another spelling, and …"]

Without them a pack whose `same` is always true scores 100 %. `dstill pack check` looks closer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from dstill.api.executor import Executor
from dstill.api.faults import about
from dstill.api.protocols import TestDatabases
from dstill.api.records import Example, Level, OutcomeKind, Verdict
from dstill.api.task import Task
from dstill.quality.audit import audited
from dstill.quality.audit_report import Gold

__all__ = ["for_golds", "for_questions", "for_verdicts"]

MOST_REFUSALS = 0.5  # share of a test split's reference answers
MIN_ANSWERS = 10  # reference answers of a split, below which a share says little
SAMPLE = 20  # replies that are parsed back
MOST_GOLDS = 3  # golds whose mutants are run if no answer had another result
HINT = "`dstill pack check {}` says more"


def for_questions(task: Task, examples: Sequence[Example]) -> list[str]:
    """Oddities of questions with reference answers, before a teacher is asked."""
    sample = islice(_answered(examples), SAMPLE)
    return [*_too_many_refusals(task, examples), *_not_parsed_back(task, sample)]


def for_verdicts(
    task: Task, examples: Sequence[Example], verdicts: Mapping[str, Sequence[Verdict]], executor: Executor | None
) -> list[str]:
    """Oddities of an evaluation; `verdicts` by system. `executor`: an opened one, or None."""
    lines = [*_too_many_refusals(task, examples), *_exact_but_not_same(task, verdicts)]
    if executor is not None and not any(map(_differs, (v for of in verdicts.values() for v in of))):
        lines += for_golds(task, _with_mutants(task, examples, executor))
    return lines


def for_golds(task: Task, golds: Iterable[Gold]) -> list[str]:
    """Oddities of audited golds: no mutant at all has another result."""
    n = killed = 0
    for gold in golds:
        n, killed = n + gold.mutants, killed + gold.killed
        if killed:
            return []
    if not n:
        return []
    what = f"the mutation score is 0: {n} deliberately wrong answers have the result of their reference"
    return [f"{what}, so `same` of task '{task.name}' may always be true; {HINT.format(task.name)}"]


def _answered(examples: Iterable[Example]) -> Iterator[Example]:
    return (example for example in examples if example.answer)


def _too_many_refusals(task: Task, examples: Iterable[Example]) -> Iterator[str]:
    golds, refusals = Counter[str](), Counter[str]()
    for example in _answered(examples):
        if example.split.startswith("test"):
            golds[example.split] += 1
            refusals[example.split] += _refuses(task, example)
    for split, of in golds.items():
        if of >= MIN_ANSWERS and refusals[split] > MOST_REFUSALS * of:
            what = f"{refusals[split]} of {of} reference answers of {split} are refusals"
            yield f"{what}, so a student that always refuses looks good; {HINT.format(task.name)}"


def _refuses(task: Task, example: Example) -> bool:
    with about(example.id):
        return task.is_refusal(example.answer or "")


def _not_parsed_back(task: Task, answered: Iterable[Example]) -> Iterator[str]:
    for example in answered:
        with about(example.id):
            draft = task.parse(task.reply_text(example.rationale or "steps", example.answer or ""))
            lost = draft is None or task.canonical(draft.answer) != task.canonical(example.answer or "")
        if lost:
            what = f"a reply with the reference answer of '{example.id}' is parsed as another answer, or as none"
            yield f"{what}: `parse` of task '{task.name}' must undo `reply_text`; {HINT.format(task.name)}"
            return


def _exact_but_not_same(task: Task, verdicts: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    ids = [
        verdict.id
        for of_system in verdicts.values()
        for verdict in of_system
        if verdict.exact and _differs(verdict) and verdict.outcome == OutcomeKind.OK
    ]
    if ids:
        what = f"{len(ids)} answers are the reference in another spelling, and have another result ('{ids[0]}')"
        yield f"{what}: `same` and `canonical` of task '{task.name}' contradict each other; {HINT.format(task.name)}"


def _differs(verdict: Verdict) -> bool:
    """Whether an answer ran and its result is not the reference's."""
    return verdict.reached == Level.EXECUTED and verdict.checked == Level.CORRECT


def _with_mutants(task: Task, examples: Iterable[Example], executor: Executor) -> Iterator[Gold]:
    if TestDatabases in task.protocols:
        for example in islice((e for e in _answered(examples) if not _refuses(task, e)), MOST_GOLDS):
            yield audited(task, example, executor)
