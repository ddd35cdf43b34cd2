"""Judges how far an answer comes: parsed, valid, executed, correct.

    judge(task, example, Draft(answer="1+2"), executor)   →  Verdict(reached=Level.CORRECT, …)

A plugin can judge the answers of a task in another way with the hook `judge_answer`.
"""

from __future__ import annotations

from dataclasses import replace

from dstill.api.checking import find_problems
from dstill.api.executor import Executor
from dstill.api.protocols import NoTestDatabases, Presentation, ResultProperties, TestDatabases
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, ResultDiff, TestDatabase, Verdict
from dstill.api.task import Task, data_of

__all__ = ["MAX_TEST_DATABASES", "judge"]

MAX_TEST_DATABASES = 5  # for one gold


def judge(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
    """How far `draft` comes: parsed, valid, executed, correct. None: the text had no answer.

    An answer is correct if its result is accepted, given the gold's, on the example's data and on every test database
    (`ResultProperties.accepts`). An answer that is the gold in another spelling need not run on test databases. Without
    an executor, answers are checked up to VALID. If the gold itself fails, or the engine is unavailable, that does not
    count against the answer.
    """
    verdict, gold = _run_gold(task, example, executor)
    if draft is None:
        return replace(verdict, reason="no answer in the text")
    verdict = _check(task, verdict, example, draft)
    if verdict.reached < Level.VALID:
        return verdict
    if verdict.refused or verdict.expects_refusal:
        return _compare_refusals(verdict, example)
    return verdict if executor is None else _execute(task, verdict, example, draft, gold, executor)


def _run_gold(task: Task, example: Example, executor: Executor | None) -> tuple[Verdict, Outcome | None]:
    """The verdict before anything is known about the answer, and the gold's outcome if it was run.

    The gold runs before the answer is looked at: which golds count must not depend on what a student wrote.
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
    if executor is None or example.answer is None or expects_refusal:
        return verdict, None
    gold = executor.run(example.answer, example)
    if gold.kind is OutcomeKind.OK:
        return replace(verdict, trivial=ResultProperties.of(task).is_trivial(gold.value, example)), gold
    return replace(verdict, gold_error=f"{gold.kind.value}: {gold.reason}", checked=Level.VALID), gold


def _check(task: Task, verdict: Verdict, example: Example, draft: Draft) -> Verdict:
    """The verdict up to VALID, from the task's checks."""
    problems = tuple(find_problems(task, example, draft))
    errors = [p for p in problems if p.is_error]
    parsing_layers = {check.name for check in task.checks if check.parses}
    verdict = replace(
        verdict,
        problems=problems,
        exact=None if example.answer is None else task.canonical(draft.answer) == task.canonical(example.answer),
    )
    if errors:
        reached = Level.UNPARSED if any(p.layer in parsing_layers for p in errors) else Level.PARSED
        return replace(verdict, reached=reached, reason=errors[0].message)
    return replace(verdict, reached=Level.VALID, refused=task.is_refusal(draft.answer))


def _compare_refusals(verdict: Verdict, example: Example) -> Verdict:
    """The verdict if the answer or the gold is a refusal: correct if both are."""
    if example.answer is None:
        return replace(verdict, checked=Level.VALID, reason="refused")
    if verdict.refused and verdict.expects_refusal:
        return replace(verdict, checked=Level.CORRECT, reached=Level.CORRECT)
    return replace(verdict, checked=Level.CORRECT, reason="refused" if verdict.refused else "should have refused")


def _execute(
    task: Task, verdict: Verdict, example: Example, draft: Draft, gold: Outcome | None, executor: Executor
) -> Verdict:
    """The verdict from VALID on: run the answer on the example's data, then both on each test database."""
    answer = executor.run(draft.answer, example)
    verdict = replace(verdict, outcome=answer.kind, reason=answer.reason)
    if verdict.gold_error:
        return verdict
    if answer.kind in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED):
        return replace(verdict, checked=Level.VALID)
    if answer.kind is OutcomeKind.INVALID:
        return verdict
    verdict = replace(verdict, reached=Level.EXECUTED)
    if gold is None:
        return verdict
    if not ResultProperties.of(task).accepts(answer.value, gold.value, example):
        data = data_of(task, example)
        on_data = f" on '{data}'" if data else ""
        verdict = replace(verdict, reason=f"ran, with another result than the reference{on_data}")
        return replace(verdict, result_diff=Presentation.of(task).diff_results(answer.value, gold.value))
    if verdict.exact:
        return replace(verdict, reached=Level.CORRECT)
    return _on_test_databases(task, verdict, example, draft, executor)


def _on_test_databases(task: Task, verdict: Verdict, example: Example, draft: Draft, executor: Executor) -> Verdict:
    """The verdict on an answer that agrees with the gold on the example's data: does it on each test database?"""
    assert example.answer is not None
    known = replace(example, context={**example.context, **executor.context(example)})
    try:
        databases = list(TestDatabases.of(task).test_databases(known, MAX_TEST_DATABASES))
    except NoTestDatabases as problem:
        return replace(verdict, reached=Level.CORRECT, test_suite_skipped=str(problem))
    accepts = ResultProperties.of(task).accepts
    for database in databases:
        on_database = replace(known, context={**known.context, "test_database": database})
        gold, answer = executor.run(example.answer, on_database), executor.run(draft.answer, on_database)
        lost = next((outcome for outcome in (gold, answer) if outcome.kind is OutcomeKind.UNAVAILABLE), None)
        if lost is not None:
            return replace(verdict, checked=Level.EXECUTED, outcome=lost.kind, reason=lost.reason)
        if gold.kind is not OutcomeKind.OK:
            continue  # this database says nothing about the answer
        # Only the result on the example's data counts then. The checks may refuse here what they accepted there,
        # where only the engine knew the schema.
        if answer.kind is OutcomeKind.UNSUPPORTED or answer.problems:
            return replace(verdict, reached=Level.CORRECT, test_suite_skipped=answer.reason)
        accepted = answer.kind is not OutcomeKind.INVALID and accepts(answer.value, gold.value, on_database)
        if accepted is None:
            continue
        verdict = replace(verdict, n_test_databases=verdict.n_test_databases + 1)
        if not accepted:
            return replace(
                verdict,
                reason=f"another result than the reference on the test database '{database.name}'",
                result_diff=_diff_on_database(task, gold, answer, database),
            )
    return replace(verdict, reached=Level.CORRECT)


def _diff_on_database(task: Task, gold: Outcome, answer: Outcome, database: TestDatabase) -> ResultDiff:
    presentation = Presentation.of(task)
    if answer.kind is OutcomeKind.INVALID:
        shown = presentation.render_result(gold.value)
        return ResultDiff(gold=shown, answer=answer.reason, test_database=database.name)
    return presentation.diff_results(answer.value, gold.value, database)
