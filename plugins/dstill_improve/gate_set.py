"""The questions that decide on a candidate, and that nothing else uses.

    gate = gate_of(run, None)       # half of the run's test splits, or the gate that the run has from its own parent
    gate = gate_of(run, Path("mine.jsonl"))     # own questions with answers
    gate.records, gate.left         # its rows; the rows that the candidate's test splits keep

A question is on the gate's side by a hash of its id, so all candidates of one run meet the same gate, and so do theirs.
The candidate's test splits lack it: `dstill evaluate` then scores questions that decided nothing.

A reference answer that a model wrote is no reference here: the same teacher labels new rows, and would agree with
itself. Such rows count only if a person accepted or edited them in the review.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstill.api.records import SPLITS, Example, Record
from dstill.errors import DataError
from dstill.inputs.dedup import LEARNING_SPLITS, words_of
from dstill.inputs.leakage import context_key
from dstill.inputs.question_files import read_questions
from dstill.io.shell import command
from dstill.quality.review import ACCEPT, EDIT, digest, latest
from dstill.runs.review_log import decisions
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor
from dstill_improve.gate import needed

__all__ = ["GATE", "Gate", "gate_of", "require_size"]

GATE = "gate.jsonl"  # in a candidate's folder
TEST_SPLITS = tuple(split for split in SPLITS if split not in LEARNING_SPLITS)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The rows of a gate; the split of a row is the set that it counts in."""

    records: Sequence[Record]
    source: str  # where they are from, for a person
    left: Mapping[str, Sequence[Record]]  # split → rows that the candidate keeps; empty: its splits stay as they are


def gate_of(run: Run, file: Path | None) -> Gate:
    """The gate for candidates of `run`. Raises DataError if there is none, UsageError for `file`."""
    if file is not None:
        return Gate(records=_from_file(run, file), source=str(file), left={})
    if (run.folder / GATE).exists():
        return Gate(records=list(run.load(Record, GATE)), source=f"the gate of run '{run.name}'", left={})
    trusted = _with_reference(run)
    rows = {split: run.records(split) for split in TEST_SPLITS}
    chosen = {r.id for of_split in rows.values() for r in of_split if r.id in trusted and _is_gate(r.id)}
    if not chosen and any(rows.values()):
        raise DataError(
            "no gate: models wrote the reference answers of the test splits, and no person has accepted them",
            where=str(run.folder / "dataset"),
            hint=f"give questions with answers of your own (--gate FILE), or {command('data', 'review', run.folder)} "
            "--split test",
        )
    return Gate(
        records=[record for of_split in rows.values() for record in of_split if record.id in chosen],
        source=f"half of the test splits of run '{run.name}'",
        left={split: [r for r in of_split if r.id not in chosen] for split, of_split in rows.items() if of_split},
    )


def require_size(gate: Gate, use: int) -> None:
    """Raises DataError if not even a candidate that is right on all questions could be accepted."""
    if len(gate.records) < needed(use):
        raise DataError(
            f"the gate has {len(gate.records)} questions; its use number {use} needs {needed(use)} at least",
            where=gate.source,
            hint="give more questions with answers that no run has seen: --gate FILE",
        )


def _is_gate(id: str) -> bool:
    return hashlib.sha256(f"gate:{id}".encode()).digest()[0] < 128


def _with_reference(run: Run) -> set[str]:
    """The ids of held-out rows whose answer no model wrote, or a person has seen and kept."""
    reviewed, wanted = latest(decisions(run)), set[str]()
    for record in (record for split in TEST_SPLITS for record in run.records(split, raw=True)):
        decision = reviewed.get(record.id)
        seen = decision is not None and decision.decision in (ACCEPT, EDIT) and decision.digest == digest(record)
        if seen or not record.teacher or run.plugins.is_lookup(record.teacher):
            wanted.add(record.id)
    return wanted


def _from_file(run: Run, file: Path) -> list[Record]:
    """The questions of a file that have answers, without those that the run has learnt."""
    task, asking = run.task, Predictor(run)
    examples = read_questions(file, parse=task.parse, json_answers=task.json_answers, one_answer=True)
    rows = (record for split in LEARNING_SPLITS for record in run.records(split, raw=True))
    learnt = {(words_of(record.question), context_key(record)) for record in rows}
    records = [_record(example, asking) for example in examples if example.answer is not None]
    return [record for record in records if (words_of(record.question), context_key(record)) not in learnt]


def _record(example: Example, asking: Predictor) -> Record:
    """A question of the user's file, in the context of its data as `dstill predict` reads it. Raises UsageError."""
    checked = asking.example(example.question, context=example.context, where=f"question '{example.id}'")
    return Record(
        id=f"gate-{example.id}",
        question=checked.question,
        rationale="",
        answer=example.answer or "",
        context=checked.context,
        category=example.category,
        template=example.template,
        split=example.split if example.split in TEST_SPLITS else "test",
    )
