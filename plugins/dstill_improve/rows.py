"""New training rows for a run: from feedback, from failures, from a teacher, and from drawn answers that agree.

    found = new_rows(run, gate, Sources(feedback=Path("feedback.jsonl"), rows=200, samples=8))
    found.train      # the candidate's training rows: those of the run, and the new ones
    found.counts     # {"corrected": 14, "right": 9, "failures": 180, "teacher": 3, "agreeing": 2}

A question gets its answer from the first of these that has one:

1. own golds: a person's correction, an answer that a person called right, the task's own answer;
2. the teacher of the run, through the reply store and the run's budget. One that only looks replies up is not asked;
3. the student itself: `samples` drawn answers, if `AGREEMENT` of them have the same result when they are run.

Every answer passes the checks and is run, and no answer is used that a person called wrong. Golds without a rationale
are explained by the teacher as in `dstill generate`. Questions that a test split or the gate has are not used.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dstill.api.protocols import ResultProperties
from dstill.api.records import SPLITS, Example, OutcomeKind, Record, Rejection
from dstill.api.task import data_of
from dstill.errors import UsageError
from dstill.factory import Setup, make_teacher
from dstill.inputs import feedback
from dstill.inputs.dedup import select, words_of
from dstill.inputs.feedback import Opinion
from dstill.io.shell import command
from dstill.runs.run import Run
from dstill.stages.generate import generate
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor
from dstill.stages.predict.self_consistency import vote
from dstill_improve.failures import Failures, failures, more

__all__ = ["AGREEMENT", "NewRows", "Sources", "new_rows"]

FAILURES, TEACHER, AGREEING = "failures", "teacher", "agreeing"
ORDER = (feedback.CORRECTION, feedback.RIGHT, FAILURES, TEACHER, AGREEING)
AGREEMENT = 0.75  # of the drawn answers
SAMPLED = 500  # training questions that the student answers, to see what it fails at
SHARE = 4  # training rows for each question that is drawn because of failures
DRAWN_ANSWERS = "drawn answers"  # `Record.teacher` of those that agree


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The sources of new rows."""

    feedback: Path | None = None
    rows: int | None = None  # questions to draw because of failures; None: a quarter of the training rows
    samples: int = 8  # answers drawn for a question without any other answer; 0: none


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """The training rows of a candidate, and where the new ones are from."""

    train: Sequence[Record]
    counts: Mapping[str, int]  # source → new rows
    left_out: Mapping[str, int]  # reason → questions that became no row
    removed: int  # rows of the run that are not in `train`: a new answer contradicts them
    failures: Mapping[str, int]  # cause → failures
    answered: int  # questions that the student answered to find them
    cost: Mapping[str, Any]  # of the teacher's replies; empty: none, or the teacher is free


@dataclass(frozen=True, kw_only=True)
class _Rated:
    """A question of feedback, and what people say about it."""

    example: Example
    opinion: Opinion


def new_rows(run: Run, gate: Sequence[Record], sources: Sources) -> NewRows:
    """The rows of a candidate of `run`; its gate is `gate`.

    Raises RunError without a student, DataError for a damaged feedback file, and the errors of `dstill generate`.
    """
    left_out = Counter[str]()
    run.plugins.teacher(run.settings.generate.teacher)  # raises for a misspelt one, before the student answers
    rows = _questions(run, sources.feedback, gate, left_out)
    wanted = len(run.records("train")) // SHARE if sources.rows is None else sources.rows
    failed = failures(run, SAMPLED) if wanted else Failures(asked=0, by_cause={})
    known = [row.example for row in rows if row.opinion.gold is not None]
    drawn = more(run, failed, wanted, gate)
    source = {row.example.id: row.opinion.source for row in rows} | {example.id: FAILURES for example in drawn}
    unknown = [row for row in rows if row.opinion.gold is None]
    records, cost = _labelled(run, [*known, *drawn], unknown, left_out)
    source |= {row.example.id: TEACHER for row in unknown}
    open_ = [row for row in unknown if row.example.id not in {record.id for record in records}]
    agreeing = _agreeing(run, open_, sources.samples)
    source |= {record.id: AGREEING for record in agreeing}
    left_out["no answer that is good enough"] += len(open_) - len(agreeing)
    marked = [replace(r, split="train", extra={**r.extra, "improved_by": source[r.id]}) for r in (*records, *agreeing)]
    before = run.records("train", raw=True)
    train = _with(run, before, marked, gate, left_out)
    added = Counter(source[record.id] for record in train if record.id in source)
    return NewRows(
        train=train,
        counts={name: added[name] for name in ORDER if added[name]},
        left_out={reason: n for reason, n in left_out.most_common() if n},
        removed=len(before) + added.total() - len(train),
        failures=failed.counts,
        answered=failed.asked,
        cost=cost,
    )


def _questions(run: Run, file: Path | None, gate: Sequence[Record], left_out: Counter[str]) -> list[_Rated]:
    """The questions of the feedback that may become rows. Without those that decide, or that the run has learnt."""
    asking, there = Predictor(run), {record.id for record in run.records("train", raw=True)}
    deciding = {(words_of(record.question), data_of(run.task, record)) for record in gate}
    questions = []
    for opinion in feedback.opinions(run.task, feedback.read(file)) if file is not None else ():
        if opinion.disputed:
            left_out["people disagree"] += 1
            continue
        text = "\0".join((opinion.question, opinion.data, opinion.gold or ""))
        id = f"feedback-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        try:
            example = asking.example(opinion.question, id=id, data=opinion.data or None, where=str(file))
        except UsageError:  # of another run, or not written by dstill
            left_out["no question about the run's data"] += 1
            continue
        if (words_of(example.question), data_of(run.task, example)) in deciding:
            left_out["kept for the gate"] += 1
        elif id in there:
            left_out["learnt already"] += 1
        else:
            questions.append(_Rated(example=replace(example, answer=opinion.gold, split="train"), opinion=opinion))
    return questions


# --- answers ----------------------------------------------------------------------------


def _labelled(
    run: Run, known: Sequence[Example], unknown: Sequence[_Rated], left_out: Counter[str]
) -> tuple[list[Record], Mapping[str, Any]]:
    """The rows of questions with a gold, and of those that the teacher could answer; and what the teacher cost."""
    setup = _with_golds(run.setup)
    asks = not run.plugins.is_lookup(setup.settings.generate.teacher)
    examples = [*known, *(row.example for row in unknown if asks)]
    if not examples:
        return [], {}
    shots = [record.example for record in run.records("train")]
    purchase = run.purchase("improve", resume=command("improve", run.folder))
    generated = generate(setup, make_teacher(run.plugins, setup.config), examples, purchase, worked=shots)
    with_gold = {example.id for example in known}
    for rejection in generated.dataset.rejections:
        if rejection.id in with_gold:
            left_out[_reason(rejection)] += 1
    wrong = {row.example.id: row.opinion.wrong for row in unknown}
    records = [r for r in generated.dataset.records if run.task.canonical(r.answer) not in wrong.get(r.id, ())]
    return records, generated.cost.to_row() if generated.cost is not None else {}


def _with_golds(setup: Setup) -> Setup:
    """`setup`, in which the given answers are what a student learns, and every answer is run."""
    generate = replace(setup.settings.generate, questions="feedback", labels="given", execute="all")
    changed = {"generate.questions", "generate.labels", "generate.execute"}
    filed = setup.config.filed - changed  # not the file's any more
    config = replace(setup.config, settings=replace(setup.settings, generate=generate), filed=filed)
    return Setup(setup.plugins, config, setup.progress)


def _reason(rejection: Rejection) -> str:
    error = next(problem for problem in rejection.problems if problem.is_error)
    return f"{error.layer}: {error.code}"


def _agreeing(run: Run, rows: Sequence[_Rated], samples: int) -> list[Record]:
    """The questions whose drawn answers agree, with that answer."""
    if not rows or not samples or not run.task.executors:
        return []
    with Predictor(run, execute=True) as predictor:
        try:
            elected = vote(predictor, [row.example for row in rows], samples)
        except UsageError:  # this student cannot sample
            return []
    pairs = zip(rows, elected, strict=True)
    return [_drawn(row.example, answer) for row, answer in pairs if _is_usable(run, row.opinion, answer, samples)]


def _is_usable(run: Run, opinion: Opinion, answer: PredictedAnswer, samples: int) -> bool:
    agree = answer.votes is not None and answer.votes.agree >= AGREEMENT * samples
    if not agree or not answer.ok or answer.outcome != OutcomeKind.OK:
        return False
    empty = ResultProperties.of(run.task).is_empty(answer.result)
    return not empty and run.task.canonical(answer.answer) not in opinion.wrong


def _drawn(example: Example, answer: PredictedAnswer) -> Record:
    return Record(
        id=example.id,
        question=example.question,
        rationale=answer.rationale,
        answer=answer.answer,
        context=example.context,
        teacher=DRAWN_ANSWERS,
    )


# --- one set of training rows -----------------------------------------------------------


def _with(
    run: Run, before: Sequence[Record], new: Sequence[Record], gate: Sequence[Record], left_out: Counter[str]
) -> list[Record]:
    """The training rows of the run and the new ones, curated beside the rows of all other splits and of the gate."""
    others = {r.id: r for split in SPLITS if split != "train" for r in run.records(split)} | {r.id: r for r in gate}
    ids = {record.id for record in new}
    rows = select([*before, *others.values(), *new], run.task)
    for row in rows:
        if isinstance(row, Rejection) and row.id in ids:
            left_out[_reason(row)] += 1
    return [row for row in rows if isinstance(row, Record) and row.split == "train"]
