"""How far an answer comes: parsed, valid, executed, correct.

    judge(task, example, Draft(answer="1+2"), executor)   →  Verdict(reached=Level.CORRECT, …)

The hook `judge_answer` gives other verdicts for one task.
"""

from __future__ import annotations

from dataclasses import replace

from dstill.api.checking import find_problems
from dstill.api.executor import Executor
from dstill.api.protocols import NoTestDatabases, Presentation, ResultProperties, TestDatabases
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, ResultDiff, Verdict
from dstill.api.task import Task

__all__ = ["MAX_TEST_DATABASES", "judge"]

MAX_TEST_DATABASES = 5  # of one gold, at most


def judge(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
    """How far a draft comes: parsed, valid, executed, correct.

    Correct means the same result as the gold on the example's data and on every one of
    its test databases, which a draft that is the gold in another spelling need not run on. Without
    an executor the verdict is followed to VALID only. A gold that the checks refuse or that
    fails, or an engine that is not there, is never held against the draft.
    """
    expects_refusal = example.answer is not None and task.is_refusal(example.answer)
    verdict = Verdict(
        id=example.id,
        reached=Level.UNPARSED,
        checked=Level.VALID if executor is None else Level.EXECUTED if example.answer is None else Level.CORRECT,
        exact=None if example.answer is None else False,
        expects_refusal=expects_refusal,
        category=example.category,
        template=example.template,
        split=example.split,
    )
    gold = None
    if executor is not None and example.answer is not None and not expects_refusal:
        # Run first, whatever the draft is: which golds count must not hang on how far a student came.
        gold = executor.run(example.answer, example)
        if gold.kind is OutcomeKind.OK:
            verdict = replace(verdict, vacuous=ResultProperties.of(task).is_trivial(gold.value, example))
        else:
            verdict = replace(verdict, gold_error=f"{gold.kind.value}: {gold.reason}", checked=Level.VALID)
    if draft is None:
        return replace(verdict, reason="no answer in the text")
    problems = tuple(find_problems(task, example, draft))
    errors = [p for p in problems if p.is_error]
    unparsed = {check.name for check in task.checks if check.parses}
    verdict = replace(
        verdict,
        problems=problems,
        exact=None if example.answer is None else task.canonical(draft.answer) == task.canonical(example.answer),
    )
    if errors:
        reached = Level.UNPARSED if any(p.layer in unparsed for p in errors) else Level.PARSED
        return replace(verdict, reached=reached, reason=errors[0].message)
    refused = task.is_refusal(draft.answer)
    verdict = replace(verdict, reached=Level.VALID, refused=refused)
    if refused or expects_refusal:
        if example.answer is None:
            return replace(verdict, checked=Level.VALID, reason="refused")
        right = refused and expects_refusal
        return replace(
            verdict,
            checked=Level.CORRECT,
            reached=Level.CORRECT if right else Level.VALID,
            reason="" if right else "refused" if refused else "should have refused",
        )
    return verdict if executor is None else _execute(task, verdict, example, draft, gold, executor)


def _execute(
    task: Task, verdict: Verdict, example: Example, draft: Draft, gold: Outcome | None, executor: Executor
) -> Verdict:
    """`judge` from VALID on: run the draft on the base data, and gold and draft on each test database."""
    got = executor.run(draft.answer, example)
    verdict = replace(verdict, outcome=got.kind, reason=got.reason)
    if verdict.gold_error:
        return verdict
    if got.kind in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED):
        return replace(verdict, checked=Level.VALID)
    if got.kind is OutcomeKind.INVALID:
        return verdict
    verdict = replace(verdict, reached=Level.EXECUTED)
    if gold is None:
        return verdict
    if not task.same(got.value, gold.value):
        verdict = replace(verdict, reason="ran, with another result than the gold")
        return replace(verdict, contrast=Presentation.of(task).diff_results(got.value, gold.value))
    return (
        replace(verdict, reached=Level.CORRECT)
        if verdict.exact
        else _on_test_databases(task, verdict, example, draft, executor)
    )


def _on_test_databases(task: Task, verdict: Verdict, example: Example, draft: Draft, executor: Executor) -> Verdict:
    """`judge` of a draft that agrees with the gold on the base data: whether it does on each test database."""
    assert example.answer is not None
    known = replace(example, context={**example.context, **executor.context(example)})
    try:
        databases = list(TestDatabases.of(task).test_databases(known, MAX_TEST_DATABASES))
    except NoTestDatabases as problem:
        return replace(verdict, reached=Level.CORRECT, unchecked=str(problem))
    for database in databases:
        there = replace(known, context={**known.context, "test_database": database})
        want, have = executor.run(example.answer, there), executor.run(draft.answer, there)
        lost = next((one for one in (want, have) if one.kind is OutcomeKind.UNAVAILABLE), None)
        if lost is not None:
            return replace(verdict, checked=Level.EXECUTED, outcome=lost.kind, reason=lost.reason)
        if want.kind is not OutcomeKind.OK:
            continue  # this database tells nothing of the answer
        # As where the gold is: what it did on the data counts. The checks know more here than they did there,
        # where the schema is only known to the engine.
        if have.kind is OutcomeKind.UNSUPPORTED or have.problems:
            return replace(verdict, reached=Level.CORRECT, unchecked=have.reason)
        verdict = replace(verdict, corpora=verdict.corpora + 1)
        if have.kind is OutcomeKind.INVALID or not task.same(have.value, want.value):
            verdict = replace(verdict, reason=f"another result than the gold on the test database '{database.name}'")
            if have.kind is OutcomeKind.INVALID:
                shown = Presentation.of(task).render_result(want.value)
                return replace(verdict, contrast=ResultDiff(gold=shown, answer=have.reason, corpus=database.name))
            contrast = Presentation.of(task).diff_results(have.value, want.value, database)
            return replace(verdict, contrast=contrast)
    return replace(verdict, reached=Level.CORRECT)
