"""Examples of a test split, answered live: one that the evaluation found right, and some that it found wrong.

live = live_examples(run)               # Live(right=LiveExample(…), wrong=[], judged=133)
show_live(run, live)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dstill.answering import steps
from dstill.api.protocols import Presentation
from dstill.api.records import Level, Outcome, OutcomeKind, Prediction, Record, Verdict
from dstill.cli.console import say
from dstill.runs.run import Run
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["Live", "LiveExample", "live_examples", "show_live"]

CANDIDATES = 5  # for each example, if the student answers differently than in its evaluation
FAILURES = 3
UNTRAINED = "untrained"  # the student before its training


@dataclass(frozen=True, kw_only=True)
class LiveExample:
    """A question that was answered and run again, with the reference answer."""

    answered: PredictedAnswer
    gold: str
    expected: Outcome | None  # of the reference answer; None: answers are not run
    before: str = ""  # the wrong answer before training; empty: it was right, or is not known

    def to_row(self) -> dict[str, Any]:
        """The object of ``dstill demo --json``."""
        row = {"question": self.answered.question, "answer": self.answered.answer, "gold": self.gold}
        return {**row, "before": self.before} if self.before else row


@dataclass(frozen=True, kw_only=True)
class Live:
    """The examples."""

    right: LiveExample | None  # None: the split has none
    wrong: Sequence[LiveExample]  # at most `FAILURES`
    judged: int  # answers of the split that the evaluation could judge
    split: str

    @property
    def question(self) -> str:
        """A question to try."""
        shown = [example for example in (self.right, *self.wrong) if example]
        return shown[0].answered.question if shown else "how many are there?"

    def to_row(self) -> dict[str, Any]:
        """The object of ``dstill demo --json``."""
        return {
            "right": None if self.right is None else self.right.to_row(),
            "wrong": [example.to_row() for example in self.wrong],
        }


def live_examples(run: Run) -> Live:
    """The examples of the first scored split: a right answer where that before training was wrong, if there is one.

    A wrong answer that ran comes before one that did not.
    """
    split = run.settings.evaluate.splits[0]
    records = {record.id: record for record in run.records(split)}
    written = {prediction.id: prediction for prediction in run.predictions()}
    judged = [v for v in run.verdicts() if v.id in records and v.checked == Level.CORRECT and not v.gold_error]
    answerable = [v for v in judged if not v.expects_refusal and not v.trivial]
    before = _wrong_before(run)
    right = sorted((v for v in answerable if v.correct), key=lambda v: v.id not in before)
    wrong = sorted((v for v in answerable if not v.correct), key=lambda v: -v.reached)

    with Predictor(run, execute=True) as predictor:

        def first(verdicts: list[Verdict], n: int) -> list[LiveExample]:
            tried = islice(verdicts, n * CANDIDATES)
            examples = (_answered(predictor, run, records[v.id], written[v.id], before.get(v.id, "")) for v in tried)
            return list(islice((example for example in examples if example is not None), n))

        best = next(iter(first(right, 1)), None)
        return Live(right=best, wrong=first(wrong, FAILURES), judged=len(judged), split=split)


def _wrong_before(run: Run) -> dict[str, str]:
    """The wrong answers before training, by question."""
    if UNTRAINED not in run.stages["evaluate"]["scores"]:
        return {}
    wrong = {verdict.id for verdict in run.verdicts(UNTRAINED) if not verdict.correct}
    drafts = {row.id: steps.draft_of(row, run.objective, run.task) for row in run.predictions(UNTRAINED)}
    return {id: draft.answer for id, draft in drafts.items() if draft and id in wrong}


def _answered(predictor: Predictor, run: Run, record: Record, written: Prediction, before: str) -> LiveExample | None:
    """The answer to `record` now; None if it is not the one that was judged."""
    [answered] = predictor.answer([record.example])
    draft = steps.draft_of(written, run.objective, run.task)
    if answered.answer != (draft.answer if draft else ""):
        return None
    executor = predictor.executor
    expected = None if executor is None else executor.run(record.answer, record.example)
    return LiveExample(answered=answered, gold=record.answer, expected=expected, before=before)


# --- showing ----------------------------------------------------------------------------


def show_live(run: Run, live: Live) -> None:
    """Show the examples, each with its label."""
    if live.right is not None:
        say("right, answered live: the result is that of the reference answer", bold=True)
        _show(run, live.right, with_gold=False)
    elif live.judged:
        say(f"none of the {live.judged:,} judged answers of {live.split} is right", bold=True)
    for example in live.wrong:
        say("wrong, answered live: the reference answer gives something else", bold=True)
        _show(run, example, with_gold=True)
    if live.judged and not live.wrong:
        say(f"none of the {live.judged:,} judged answers of {live.split} is wrong", bold=True)


def _show(run: Run, live_example: LiveExample, *, with_gold: bool) -> None:
    for name, text in _lines(run, live_example, with_gold=with_gold):
        say(f"  {name + ':':<11} " + text.replace("\n", "\n" + " " * 14), lines=True)


def _lines(run: Run, live_example: LiveExample, *, with_gold: bool) -> Iterator[tuple[str, str]]:
    answered = live_example.answered
    yield "question", answered.question
    if live_example.before and not with_gold:
        yield "before", live_example.before
    yield "answer", answered.answer or "(nothing)"
    if answered.outcome == OutcomeKind.OK:
        yield "result", Presentation.of(run.task).render_result(answered.result)
    elif answered.reason:
        yield "result", f"none: {answered.reason}"
    if with_gold:
        yield "gold", live_example.gold
        if live_example.expected is not None and live_example.expected.kind is OutcomeKind.OK:
            yield "its result", Presentation.of(run.task).render_result(live_example.expected.value)
