"""Answers that came with the questions (`Example.answer`): where they count, and how a teacher explains one.

    split              answer of the row                     a teacher that is a model is asked
    a test split       the given one                         the question alone: its answer is only scored
    train, validation  the given one, if it is in            to explain the given one; nothing if a rationale
                       ``generate.questions`` and            came with it
                       ``generate.labels`` is "given"
        otherwise, validation  the given one                 the question alone
        otherwise, train       the teacher's                 the question alone

    explaining(prompt)                the prompt with the given answer, and the request to explain it
    repeated(task, example, draft)    the draft with the given answer; a Problem if it has another one
    summary_lines(counts)             ["answers given with the questions: 40 kept (12 explained by the teacher), …"]

A task's own questions have answers too, which no person gave: to learn from them, use the teacher ``synthetic``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dstill.api.faults import about
from dstill.api.records import Draft, Example, Problem, Prompt, Record
from dstill.api.task import Task
from dstill.config import Generate
from dstill.inputs.dedup import LEARNING_SPLITS

__all__ = ["count", "explaining", "explains", "is_label", "repeated", "same", "summary_lines"]

REQUEST = """

The right answer is known:
{answer}
Explain which steps lead from the question to it, and reply with this answer."""


def is_label(example: Example, settings: Generate) -> bool:
    """Whether the row of `example` has the given answer, whatever a teacher says."""
    if example.answer is None:
        return False
    return example.split != "train" or _are_learnt(settings)


def explains(example: Example, settings: Generate) -> bool:
    """Whether a teacher that is a model sees the given answer, and writes its rationale."""
    return example.answer is not None and example.split in LEARNING_SPLITS and _are_learnt(settings)


def _are_learnt(settings: Generate) -> bool:
    """Whether a student learns the given answers."""
    return settings.labels == "given" and bool(settings.questions)


def explaining(prompt: Prompt) -> Prompt:
    """`prompt`, whose last message also has the given answer and the request to explain it."""
    *before, last = prompt.messages
    request = REQUEST.format(answer=prompt.example.answer)
    return replace(prompt, messages=(*before, replace(last, content=f"{last.content}{request}")))


def repeated(task: Task, example: Example, draft: Draft) -> Draft | Problem:
    """The explanation `draft` with the given answer in its own spelling; a Problem if it explains another answer."""
    if same(task, draft.answer, example):
        return replace(draft, answer=example.answer or "")
    message, hint = "the answer is not the right answer that was given", "explain the given answer, and repeat it"
    return Problem(layer="reply", code="other_answer", message=message, hint=hint)


def same(task: Task, answer: str, example: Example) -> bool:
    """Whether `answer` is the given answer of `example` in any spelling."""
    if example.answer is None or answer == example.answer:
        return answer == example.answer
    with about(example.id):
        return task.canonical(answer) == task.canonical(example.answer)


def count(task: Task, examples: Iterable[Example], records: Iterable[Record]) -> dict[str, int]:
    """How many of `records` have the given answer or another one, and how many `examples` have no row.

    `records`: the rows of `examples`, in their order.
    """
    counts = {"kept": 0, "explained": 0, "replaced": 0, "without_rationale": 0, "rejected": 0}
    left = iter(records)
    record = next(left, None)
    for example in examples:
        if record is None or record.id != example.id:
            counts["rejected"] += example.answer is not None
            continue
        is_gold = example.answer is not None and not record.teacher
        counts["kept"] += is_gold
        counts["explained"] += is_gold and record.rationale not in ("", example.rationale)
        counts["replaced"] += example.answer is not None and not is_gold and not same(task, record.answer, example)
        counts["without_rationale"] += not record.rationale and record.split in LEARNING_SPLITS
        record = next(left, None)
    return counts


def summary_lines(counts: Mapping[str, int]) -> list[str]:
    """The result of `count` for a person; nothing if the teacher wrote or repeated every answer, with a rationale."""
    lines = []
    if counts.get("kept") or counts.get("replaced"):
        lines.append(
            "answers given with the questions: {kept:,} kept ({explained:,} explained by the teacher), "
            "{replaced:,} replaced by the teacher's (generate.labels)".format(**counts)
        )
        if rejected := counts.get("rejected"):
            lines[-1] += f", {rejected:,} rejected (rejects.jsonl says why)"
    if bare := counts.get("without_rationale"):
        rows = f"{bare:,} rows to learn from have" if bare > 1 else "1 row to learn from has"
        alone = "their answers" if bare > 1 else "its answer"
        lines.append(f"{rows} no rationale: a student learns {alone} alone")
    return lines
