"""The stages, as generators from rows to rows. Nothing here writes a file.

    execute:  Record | Rejection … → the same     (runs the answers; what the engine refuses is rejected)
    predict:  Example… → Prediction…
    sample:   Example… → several Predictions each
    judge:    Example, Prediction … → Verdict…

Asking a teacher is in `dstill.pipeline.label`. `dstill.runs.run.Run` strings all together and keeps what comes out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Callable, Iterable, Iterator, Sequence, TypeVar

from dstill.api.executor import Executor
from dstill.api.faults import about, with_faults
from dstill.api.objective import Objective
from dstill.api.protocols import ResultProperties
from dstill.api.records import SPLITS, Draft, Example, OutcomeKind, Prediction, Problem, Record, Rejection, Verdict
from dstill.api.student import Generation, Generator
from dstill.api.task import Task
from dstill.errors import DataError
from dstill.pipeline.error_analysis import with_cause
from dstill.pipeline.leakage import leaks
from dstill.pipeline.question_validation import require_unique_ids
from dstill.plugins import Plugins

__all__ = [
    "assign_split",
    "check_splits",
    "draft_of",
    "examples_of",
    "execute",
    "judge",
    "predict",
    "prediction_of",
    "sample",
    "stratified_head",
    "threaded_map",
]

A = TypeVar("A")
B = TypeVar("B")


# --- teaching ---------------------------------------------------------------------------


def execute(
    rows: Iterable[Record | Rejection], executor: Executor, task: Task, outcomes: Counter[str]
) -> Iterator[Record | Rejection]:
    """Run each record's answer; one that the engine calls invalid, or that finds nothing, becomes a rejection.

    A student that learns from questions about data whose answers find nothing gets worse. `outcomes` counts how
    the runs ended: what could not be run here is kept, and known by number.
    """

    def run(row: Record | Rejection) -> Record | Rejection:
        with about(row.id):
            return ran(row)

    def ran(row: Record | Rejection) -> Record | Rejection:
        if isinstance(row, Rejection) or task.is_refusal(row.answer):
            return row
        outcome = executor.run(row.answer, row.example)
        outcomes[outcome.kind.value] += 1
        if outcome.problems:
            return Rejection(id=row.id, question=row.question, problems=outcome.problems, text=row.answer)
        if outcome.kind is OutcomeKind.INVALID:
            problem = Problem(layer="engine", code="invalid", message=outcome.reason)
        elif outcome.kind is OutcomeKind.OK and ResultProperties.of(task).is_empty(outcome.value):
            problem = Problem(layer="engine", code="finds_nothing", message="it runs, and finds nothing")
        else:
            return row
        return Rejection(id=row.id, question=row.question, problems=(problem,), text=row.answer)

    yield from threaded_map(run, rows, executor.parallel)


def examples_of(task: Task) -> list[Example]:
    """The task's own questions of every split. Raises DataError where two have one id."""
    found = [example for split in SPLITS for example in task.examples(split)]
    require_unique_ids(found)
    return found


def assign_split(example: Example, seed: int) -> Example:
    """The example in its split: its own, or one drawn from a hash of its template (else of its id).

    Whole templates go to ``test_unseen_templates`` (one in ten); single questions 85 : 5 : 10 to
    train, validation and test. The same seed and example always give the same split.
    """
    if example.split:
        return example
    if example.template and _fraction(f"{seed}:{example.template}") < 0.1:
        return replace(example, split="test_unseen_templates")
    drawn = _fraction(f"{seed}:{example.id}")
    return replace(example, split="train" if drawn < 0.85 else "validation" if drawn < 0.9 else "test")


def stratified_head(examples: Sequence[Example], limit: int) -> list[Example]:
    """At most `limit` of them, each split by its share, from its beginning: a higher limit only adds to them."""
    if limit >= len(examples):
        return list(examples)
    chosen: set[str] = set()
    for split in SPLITS:
        of_split = [e.id for e in examples if e.split == split]
        chosen.update(of_split[: len(of_split) * limit // len(examples)])
    # what rounding down left goes to the first ones
    chosen.update([e.id for e in examples if e.id not in chosen][: limit - len(chosen)])
    return [e for e in examples if e.id in chosen]


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def check_splits(records: Sequence[Record], task: Task) -> None:
    """Refuse splits that are not what their names say. Raises DataError (bad input 22)."""
    for leak in leaks(records, task):
        raise DataError(
            str(leak),
            where=f"the sets {leak.split} and train",
            hint=f"a score over them would not mean what its name says: split by template and {task.data_noun}",
        )
    require_unique_ids(records)


# --- evaluation -------------------------------------------------------------------------


def predict(writer: Generator, objective: Objective, task: Task, examples: Sequence[Example]) -> Iterator[Prediction]:
    """What the student writes for each example, in order."""
    sources = [objective.prompt(task.model_input(e)) for e in examples]
    for example, written in zip(examples, writer.generate(sources), strict=True):
        yield prediction_of(example, written)


def sample(
    writer: Generator,
    objective: Objective,
    task: Task,
    examples: Sequence[Example],
    n: int,
    *,
    temperature: float,
    seed: int,
) -> Iterator[list[Prediction]]:
    """`n` answers that the student draws for each example, in order."""
    sources = [objective.prompt(task.model_input(e)) for e in examples]
    drawn = writer.sample(sources, n, temperature=temperature, seed=seed)
    for example, written in zip(examples, drawn, strict=True):
        yield [prediction_of(example, one) for one in written]


def prediction_of(example: Example, written: Generation) -> Prediction:
    return Prediction(
        id=example.id,
        text=written.text,
        seconds=round(written.seconds, 6),
        tokens=written.tokens,
        truncated=written.truncated,
    )


def draft_of(prediction: Prediction, objective: Objective, task: Task) -> Draft | None:
    """A prediction taken apart; one that was cut off is no answer."""
    return None if prediction.truncated else objective.read(prediction.text, task.parse)


def judge(
    plugins: Plugins,
    task: Task,
    pairs: Iterable[tuple[Example, Prediction]],
    objective: Objective,
    executor: Executor | None,
) -> Iterator[Verdict]:
    """A verdict on each prediction, in order, with the first cause of a failure."""

    def one(pair: tuple[Example, Prediction]) -> Verdict:
        example, prediction = pair
        with about(example.id) as faults:
            draft = draft_of(prediction, objective, task)
            verdict = plugins.judge_answer(task, example, draft, executor)
            if prediction.truncated:
                verdict = replace(verdict, reason="cut off at the token limit")
            elif not prediction.text.strip():
                verdict = replace(verdict, reason="no output")
            verdict = with_cause(task, verdict, example, draft)
        return with_faults(verdict, faults)

    if executor is None:
        yield from map(one, pairs)
    else:
        threads = min(one.parallel for one in (executor, executor.second) if one is not None)
        yield from threaded_map(one, pairs, threads)


def threaded_map(function: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """`function` over `items` in order, that many at once: `Executor.parallel` where it runs answers."""
    if threads == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, items)
