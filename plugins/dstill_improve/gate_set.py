"""The questions that decide on a candidate, and that nothing else uses.

    gate = gate_of(run, None, said)       # the people's questions that there are, and half of the run's test splits
    gate = gate_of(run, Path("mine.jsonl"), said)     # own questions with answers
    gate.records, gate.left         # its rows; the rows that the candidate's test splits keep

Questions of people, or of a teacher, decide where there are some (`dstill.runs.peoples_rows`): those of the test
splits, answers that a person judged (`dstill.runs.judgements`), and without either half of the feedback. Synthetic ones
are in the gate as well, in sets of their own: a student knows their wordings, so what it gains there says little.

A question of a test split or of feedback is on the gate's side by a hash, so all candidates of one run meet the same
gate, and so do theirs. The candidate's test splits lack it: `dstill evaluate` then scores questions that decided
nothing.

A reference answer that a model wrote is no reference here, unless a person accepted it in the review, or the model also
asked the question: the same teacher labels new rows, and would agree with itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dstill.api.records import SPLITS, Example, Record
from dstill.errors import DataError
from dstill.inputs.dedup import LEARNING_SPLITS, question_key
from dstill.inputs.feedback import Feedback
from dstill.inputs.question_files import read_questions
from dstill.io.shell import command
from dstill.runs.judgements import FILE as JUDGED
from dstill.runs.judgements import questions_of
from dstill.runs.peoples_rows import ASKED_BY, PEOPLE, peoples_rows, with_reference
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor
from dstill_improve.gate import needed

__all__ = ["GATE", "SYNTHETIC", "Gate", "gate_of", "require_size", "set_name"]

GATE = "gate.jsonl"  # in a candidate's folder
SYNTHETIC = " (synthetic)"  # at the end of the name of a set
TEST_SPLITS = tuple(split for split in SPLITS if split not in LEARNING_SPLITS)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The rows of a gate."""

    records: Sequence[Record]
    source: str  # where they are from, for a person
    left: Mapping[str, Sequence[Record]]  # split → rows that the candidate keeps; empty: its splits stay as they are


def gate_of(run: Run, file: Path | None, given: Sequence[Feedback] = ()) -> Gate:
    """The gate for candidates of `run`; `given`: feedback. Raises DataError if there is none, UsageError for `file`."""
    if file is not None:
        return Gate(records=_from_file(run, file), source=str(file), left={})
    if (run.folder / GATE).exists():
        return Gate(records=list(run.load(Record, GATE)), source=f"the gate of run '{run.name}'", left={})
    asked = {row.id: row for row in peoples_rows(run, TEST_SPLITS)}
    rows = {split: run.records(split) for split in TEST_SPLITS}
    ours = [r for of_split in rows.values() for r in of_split if _is_gate(r.id)]
    chosen = {r.id: asked.get(r.id, r) for r in ours if r.id in asked or with_reference(run, r)}
    others = _said(run, list(run.load(Feedback, JUDGED)), "judged")
    if not asked and not others:
        kept = [record for record in _said(run, given, "feedback") if _is_gate(record.question)]
        others = kept if len(kept) >= needed(1) else []  # fewer decide nothing, and are worth more as training rows
    if not chosen and not others and any(rows.values()):
        raise DataError(
            "no gate: models wrote the reference answers of the test splits, and no person has accepted them",
            where=str(run.folder / "dataset"),
            hint=f"give questions with answers of your own (--gate FILE), or {command('data', 'review', run.folder)} "
            "--split test",
        )
    return Gate(
        records=[*others, *chosen.values()],
        source=_source(run, asked, others),
        left={split: [r for r in of_split if r.id not in chosen] for split, of_split in rows.items() if of_split},
    )


def _source(run: Run, asked: Collection[str], others: Sequence[Record]) -> str:
    test = f"half of the test splits of run '{run.name}'"
    if others:
        return f"{len(others)} answers that people judged or corrected, and {test}"
    return test if asked else f"{test}, which are synthetic"


def set_name(record: Record) -> str:
    """The set that a question of a gate counts in; those that nobody else asked have sets of their own."""
    return record.split if ASKED_BY in record.extra else f"{record.split}{SYNTHETIC}"


def _said(run: Run, rows: Sequence[Feedback], split: str) -> list[Record]:
    """Questions of people whose right answer is known from what they said, without those that the run has learnt."""
    asked = (example for _, example in questions_of(run.task, Predictor(run), rows))
    known = (example for example in asked if example is not None and example.answer is not None)
    records = [
        _build_record(replace(example, id=f"{split}-{n}"), example.answer or "", split)
        for n, example in enumerate(known, 1)
    ]
    return _unlearnt(run, records)


def require_size(gate: Gate, use: int) -> None:
    """Raises DataError if not even a candidate that is right on all questions could be accepted."""
    if len(gate.records) < needed(use):
        raise DataError(
            f"the gate has {len(gate.records)} questions; its use number {use} needs {needed(use)} at least",
            where=gate.source,
            hint="give more questions with answers that no run has seen: --gate FILE",
        )


def _is_gate(text: str) -> bool:
    return hashlib.sha256(f"gate:{text}".encode()).digest()[0] < 128


def _from_file(run: Run, file: Path) -> list[Record]:
    """The questions of a file that have answers, in the context of their data as `dstill predict` reads it."""
    task, asking = run.task, Predictor(run)
    records = []
    for row in read_questions(file, parse=task.parse, json_answers=task.json_answers, one_answer=True):
        if row.answer is not None:
            where = f"question '{row.id}'"
            example = asking.example(row.question, id=f"gate-{row.id}", context=row.context, where=where)
            example = replace(example, category=row.category, template=row.template)
            records.append(_build_record(example, row.answer, row.split if row.split in TEST_SPLITS else "test"))
    return _unlearnt(run, records)


def _build_record(example: Example, answer: str, split: str) -> Record:
    return Record(
        id=example.id,
        question=example.question,
        rationale="",
        answer=answer,
        context=example.context,
        category=example.category,
        template=example.template,
        split=split,
        extra={ASKED_BY: PEOPLE},
    )


def _unlearnt(run: Run, records: Sequence[Record]) -> list[Record]:
    rows = (record for split in LEARNING_SPLITS for record in run.records(split, raw=True))
    learnt = set(map(question_key, rows))
    return [record for record in records if question_key(record) not in learnt]
