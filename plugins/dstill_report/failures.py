"""The failure browser's rows: what the student got wrong, gold beside answer.

In come a run's records, predictions and verdicts; out come `Failure` rows in the run's order,
with both answers laid out in lines, each line marked where the other side has it not.
Texts are cut so that the whole stays under `BUDGET` characters; `dstill trace` has them whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Iterator

from dstill.cli.console import visible
from dstill.jsontext import NotStrict, loads
from dstill.records import SPLITS, Level, Prediction, Problem, Record, Verdict
from dstill_evaluate.metrics import why_left_out

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["Failure", "Failures", "Line", "collect", "laid_out"]

# Characters of all failures together, escaped and with their markup: the page stays below 3 MB.
BUDGET = 2_600_000
MARKUP, MARK = 800, 13  # around one failure, and around one line
CUTS = (20_000, 6_000, 3_000, 1_500, 700, 300)  # characters of one text; the longest that fits the budget
WIDTH = 64  # of a line of laid-out JSON


@dataclass(frozen=True, kw_only=True)
class Line:
    text: str
    differs: bool  # the other side has not this line


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One answer that is not correct, or could not be judged."""

    id: str
    split: str
    category: str
    kind: str  # how it failed, in words
    question: str
    reason: str
    gold: tuple[Line, ...]
    answer: tuple[Line, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Failures:
    rows: tuple[Failure, ...]
    total: int  # also those that the budget left out


def collect(run: Run) -> Failures:
    """What the student got wrong, over every set that was judged."""
    found = list(_wrong(run))
    texts = [len(text) for r, p, v, _ in found for text in (r.question, r.answer, p.text, v.gold_error or v.reason)]
    for cut in CUTS:
        if cut != CUTS[-1] and sum(min(length, cut) for length in texts) > BUDGET:
            continue  # escaped it will not be shorter
        rows = tuple(_failure(record, prediction, verdict, kind, cut) for record, prediction, verdict, kind in found)
        if sum(map(_size, rows)) <= BUDGET:
            return Failures(rows=rows, total=len(found))
    used, kept = 0, []
    for row in rows:
        used += _size(row)
        if used > BUDGET:
            break
        kept.append(row)
    return Failures(rows=tuple(kept), total=len(found))


def kind_of(verdict: Verdict) -> str:
    """How an answer failed, in words; empty: it did not, as far as it was followed."""
    if verdict.reached < Level.VALID:
        return "unparsed" if verdict.reached == Level.UNPARSED else "invalid"
    if left_out := why_left_out(verdict):
        return "" if left_out == "not checked" else left_out
    if verdict.reached == Level.VALID:
        return "refusal" if verdict.refused or verdict.expects_refusal else "engine refused"
    return "" if verdict.correct else "wrong result"


def _wrong(run: Run) -> Iterator[tuple[Record, Prediction, Verdict, str]]:
    verdicts = {verdict.id: verdict for verdict in run.verdicts()}
    predictions = {prediction.id: prediction for prediction in run.predictions()}
    for split in SPLITS:
        for record in run.records(split):
            verdict, prediction = verdicts.get(record.id), predictions.get(record.id)
            if verdict is not None and prediction is not None and (kind := kind_of(verdict)):
                yield record, prediction, verdict, kind


def _failure(record: Record, prediction: Prediction, verdict: Verdict, kind: str, cut: int) -> Failure:
    gold, answer = laid_out(_cut(record.answer, cut)), laid_out(_cut(prediction.text, cut))
    gold_lines, answer_lines = _marked(gold, answer)
    return Failure(
        id=record.id,
        split=record.split,
        category=record.category,
        kind=kind,
        question=_cut(record.question, cut),
        reason=_cut(verdict.gold_error or verdict.reason, cut),
        gold=gold_lines,
        answer=answer_lines,
        # the first problem's message is the reason already
        problems=tuple(p for p in verdict.problems[:5] if p.pointer or p.hint or p.message != verdict.reason),
    )


def _cut(text: str, cut: int) -> str:
    return text if len(text) <= cut else f"{text[:cut]}… ({len(text) - cut:,} more characters)"


def _size(row: Failure) -> int:
    """Characters of a row as the page will hold them: a quotation mark takes five."""
    lines = [line.text for line in (*row.gold, *row.answer)]
    problems = [text for p in row.problems for text in (p.message, p.pointer, p.hint)]
    shown = [visible(text) for text in (row.question, row.reason, *lines, *problems)]
    return MARKUP + MARK * len(lines) + sum(len(text) + 4 * sum(map(text.count, "\"'<>&")) for text in shown)


# --- laying out -------------------------------------------------------------------------


def laid_out(text: str) -> list[str]:
    """JSON in lines, broken only where it would not fit one; any other text as it stands."""
    try:
        value = loads(text)
    except NotStrict:
        return text.split("\n")
    return list(_lines(value, "", "", "")) if isinstance(value, (dict, list)) else text.split("\n")


def _lines(value: Any, indent: str, before: str, after: str) -> Iterator[str]:
    flat = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, (dict, list)) or len(indent + before + flat + after) <= WIDTH:
        yield indent + before + flat + after
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    yield indent + before + brackets[0]
    items = value.items() if isinstance(value, dict) else (("", item) for item in value)
    for number, (key, item) in enumerate(items, start=1):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        yield from _lines(item, f"{indent}  ", name, "," if number < len(value) else "")
    yield indent + brackets[1] + after


def _marked(gold: list[str], answer: list[str]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Both sides, with the lines marked that the other has not in that order."""
    same: tuple[set[int], set[int]] = (set(), set())
    for block in SequenceMatcher(a=gold, b=answer, autojunk=False).get_matching_blocks():
        same[0].update(range(block.a, block.a + block.size))
        same[1].update(range(block.b, block.b + block.size))
    left, right = (
        tuple(Line(text=text, differs=number not in found) for number, text in enumerate(side))
        for side, found in zip((gold, answer), same, strict=True)
    )
    return left, right
