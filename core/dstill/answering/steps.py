"""The steps of the stages, as generators from rows to rows. Nothing here writes a file.

    execute:  Record | Rejection … → the same     (runs the answers; rejects what the engine refuses)
    predict:  Example… → Prediction…
    sample:   Example… → several Predictions for each
    judge:    Example, Prediction … → Verdict…

`dstill.stages.generate` asks the teacher. `dstill.runs.run.Run` calls the stages and writes their results.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from dstill.answering.error_analysis import with_cause
from dstill.api.executor import Executor
from dstill.api.faults import about, with_faults
from dstill.api.objective import Objective
from dstill.api.protocols import Readback, ResultProperties
from dstill.api.records import (
    SPLITS,
    Draft,
    Example,
    ModelInput,
    OutcomeKind,
    Pair,
    Prediction,
    Problem,
    Record,
    Rejection,
    Verdict,
)
from dstill.api.splits import TASK_SPLITS
from dstill.api.student import Generation, Generator
from dstill.api.task import Task
from dstill.inputs.leakage import refuse_leaks
from dstill.inputs.question_validation import require_unique_ids
from dstill.io.spool import View
from dstill.plugins import Plugins
from dstill.runtime import spooled
from dstill.runtime.progress import Progress, silent

__all__ = [
    "assign_split",
    "candidates",
    "check_splits",
    "draft_of",
    "examples_of",
    "execute",
    "in_words",
    "judge",
    "pairs",
    "predict",
    "prediction_of",
    "sample",
    "stratified_head",
    "threaded_map",
]

A = TypeVar("A")
B = TypeVar("B")

LOOKAHEAD = 128  # items a thread that are begun before the first one of them is done


# --- teaching ---------------------------------------------------------------------------


def execute(
    rows: Iterable[tuple[Record | Rejection, bool]], executor: Executor, task: Task, outcomes: Counter[str]
) -> Iterator[Record | Rejection]:
    """Run the answers of the records with True; the other rows stay as they are.

    A record becomes a rejection if the engine calls its answer invalid or it finds nothing: answers that find nothing
    make a student worse. Answers that cannot be run here stay. Counts the outcomes in `outcomes`.
    """

    def run(marked: tuple[Record | Rejection, bool]) -> Record | Rejection:
        row, is_run = marked
        if isinstance(row, Rejection) or not is_run:
            return row
        with about(row.id):
            return checked(row)

    def checked(row: Record) -> Record | Rejection:
        if task.is_refusal(row.answer):
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

    yield from threaded_map(run, rows, executor.parallel, is_quick=lambda marked: not marked[1])


def examples_of(task: Task, progress: Progress = silent) -> Sequence[Example]:
    """The task's questions, each in the split that it was asked for. Raises DataError when two have one id."""
    examples = spooled.examples()
    for done, split in enumerate(TASK_SPLITS):
        progress("making the task's questions, split by split", done, len(TASK_SPLITS))
        examples.extend(replace(example, split=example.split or split) for example in task.examples(split))
    progress("making the task's questions, split by split", len(TASK_SPLITS), len(TASK_SPLITS))
    require_unique_ids(examples)
    return examples


def assign_split(example: Example, seed: int) -> Example:
    """The example in its split: the one that it has, or one that a hash of its template or id decides.

    One in ten templates goes to ``test_unseen_templates``, with all its questions. The other questions go to train,
    validation and test as 85 : 5 : 10. The same seed and example always give the same split.
    """
    if example.split:
        return example
    if example.template and _fraction(f"{seed}:{example.template}") < 0.1:
        return replace(example, split="test_unseen_templates")
    drawn = _fraction(f"{seed}:{example.id}")
    return replace(example, split="train" if drawn < 0.85 else "validation" if drawn < 0.9 else "test")


def stratified_head(examples: Sequence[Example], limit: int) -> Sequence[Example]:
    """The first examples of each split, in proportion, at most `limit` of all; a higher limit only adds examples."""
    if limit >= len(examples):
        return examples
    of_split = Counter(example.split for example in examples)
    left = {split: of_split[split] * limit // len(examples) for split in SPLITS}
    more = limit - sum(left.values())  # rounding down left some: take the first ones
    chosen = array("Q")
    for at, example in enumerate(examples):
        if left.get(example.split):
            left[example.split] -= 1
        elif more:
            more -= 1
        else:
            continue
        chosen.append(at)
    return View(examples.__getitem__, chosen)


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def check_splits(records: Sequence[Record], task: Task) -> None:
    """Raises DataError when a split shares with others what its name excludes, or when ids are not unique."""
    refuse_leaks(records, task)
    require_unique_ids(records)


# --- evaluation -------------------------------------------------------------------------


def prompts(objective: Objective, task: Task, examples: Sequence[Example]) -> list[ModelInput]:
    """The text that the student reads for each example, to write its answer."""
    return [ModelInput(text=objective.prompt(task.model_input(e)), example=e) for e in examples]


def pairs(objective: Objective, task: Task, records: Iterable[Record]) -> list[tuple[Pair, ...]]:
    """The pairs that a student learns from each record; none of those that the objective leaves out."""
    return [taught for record in records if (taught := tuple(objective.pairs(record, task)))]


def predict(
    generator: Generator, objective: Objective, task: Task, examples: Sequence[Example]
) -> Iterator[Prediction]:
    """The predictions of the student for the examples, in order."""
    sources = prompts(objective, task, examples)
    for example, written in zip(examples, generator.generate(sources), strict=True):
        yield prediction_of(example, written)


def sample(
    generator: Generator,
    objective: Objective,
    task: Task,
    examples: Sequence[Example],
    n: int,
    *,
    temperature: float,
    seed: int,
) -> Iterator[list[Prediction]]:
    """`n` sampled answers of the student to each example, in order."""
    sources = prompts(objective, task, examples)
    drawn = generator.sample(sources, n, temperature=temperature, seed=seed)
    for example, written in zip(examples, drawn, strict=True):
        yield [prediction_of(example, text) for text in written]


def candidates(
    generator: Generator,
    objective: Objective,
    task: Task,
    examples: Sequence[Example],
    n: int,
    *,
    least_logprob: float = -math.inf,
) -> Iterator[list[Prediction]]:
    """The most probable answers of the student to each example, at most `n`, in order; none if it cannot tell."""
    written = generator.candidates(prompts(objective, task, examples), n, least_logprob=least_logprob)
    for example, several in zip(examples, written, strict=True):
        yield [prediction_of(example, generation) for generation in several]


def in_words(task: Task, example: Example, answer: str) -> str:
    """What a valid answer does, in plain words; empty: the task has none."""
    with about(example.id):
        return "".join(phrase.text for phrase in Readback.of(task).read_back(example, answer))


def prediction_of(example: Example, written: Generation) -> Prediction:
    """The row of the text that the student wrote for `example`."""
    return Prediction(
        id=example.id,
        text=written.text,
        seconds=round(written.seconds, 6),
        tokens=written.tokens,
        truncated=written.truncated,
        logprob=_rounded(written.logprob),
        least_logprob=_rounded(written.least_logprob),
    )


def _rounded(logprob: float | None) -> float | None:
    """None also for NaN and infinity, which damaged weights may give."""
    return None if logprob is None or not math.isfinite(logprob) else round(logprob, 6)


def draft_of(prediction: Prediction, objective: Objective, task: Task) -> Draft | None:
    """The parsed prediction; None: it has no answer, or was cut off."""
    return None if prediction.truncated else objective.read(prediction.text, task.parse)


def judge(
    plugins: Plugins,
    task: Task,
    pairs: Iterable[tuple[Example, Prediction]],
    objective: Objective,
    executor: Executor | None,
    read: Callable[[Prediction], Draft | None] | None = None,
) -> Iterator[Verdict]:
    """A verdict on each prediction, in order; failures have their cause.

    `read` parses a prediction; None: as the student's, by the objective.
    """

    def judged(pair: tuple[Example, Prediction]) -> Verdict:
        example, prediction = pair
        with about(example.id) as faults:
            draft = draft_of(prediction, objective, task) if read is None else read(prediction)
            verdict = plugins.judge_answer(task, example, draft, executor)
            if prediction.truncated:
                verdict = replace(verdict, reason="cut off at the token limit")
            elif not prediction.text.strip():
                verdict = replace(verdict, reason="no output")
            verdict = with_cause(task, verdict, example, draft)
        return with_faults(verdict, faults)

    if executor is None:
        yield from map(judged, pairs)
    else:
        threads = min(engine.parallel for engine in (executor, executor.second) if engine is not None)
        yield from threaded_map(judged, pairs, threads)


def threaded_map(
    function: Callable[[A], B], items: Iterable[A], threads: int, *, is_quick: Callable[[A], bool] = lambda _: False
) -> Iterator[B]:
    """The results of `function` for `items`, in order, with this many `threads`, which are a little ahead.

    Items that are quick need no thread.
    """
    if threads == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    pool, begun = ThreadPoolExecutor(threads), deque[Callable[[], B]]()
    try:
        for item in items:
            begun.append(partial(function, item) if is_quick(item) else pool.submit(function, item).result)
            if len(begun) >= LOOKAHEAD * threads:
                yield begun.popleft()()
        while begun:
            yield begun.popleft()()
    finally:
        pool.shutdown(cancel_futures=True)
