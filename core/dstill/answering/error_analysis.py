"""Why an answer is wrong: one label for each failure, the first thing that went wrong.

    labels(task)      ["no answer", "not JSON", "schema", "names", "values", "guard", "refused",
                       "should have refused", "engine", "wrong field", …]
    explained(task, verdict, example, draft).cause     Cause(label="names", detail="unknown column 'tok'")
    counted(verdicts, labels(task))    {"names": CauseCount(count=9, of=40, low=0.123, high=0.375,
                                                            examples=("t-3", "t-8", "t-9")), …}

The label names the step at which the answer failed: nothing was written, a check found an error, the student refused
or should have refused, the engine refused the answer. If the engine ran it, `Task.cause` compares it with the gold
answer. An answer that is not scored has no label: its gold answer fails or is trivial, or no engine could run it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dstill.api.metric import wilson
from dstill.api.records import Cause, Draft, Example, Level, Overlap, Verdict
from dstill.api.task import Task

__all__ = ["CauseCount", "counted", "failed", "labels", "with_cause"]

NO_ANSWER, REFUSED, SHOULD_HAVE_REFUSED, ENGINE = "no answer", "refused", "should have refused", "engine"
MOST_EXAMPLES = 5  # examples of a label


@dataclass(frozen=True, kw_only=True)
class CauseCount:
    """How many failures have one label. The interval is Wilson's, of the share of all failures."""

    count: int
    of: int  # failures with any label
    low: float  # 95 % interval of count / of
    high: float
    examples: tuple[str, ...]  # ids of the first few


def labels(task: Task) -> list[str]:
    """Every label that a failure can have: those of the task's checks, of the core, of the task's comparison."""
    of_checks = [check.cause or check.name for check in task.checks]
    return list(dict.fromkeys([NO_ANSWER, *of_checks, REFUSED, SHOULD_HAVE_REFUSED, ENGINE, *task.causes]))


def with_cause(task: Task, verdict: Verdict, example: Example, draft: Draft | None) -> Verdict:
    """The verdict with the cause of a failure, and with the clauses that answer and gold answer share."""
    cause = _cause(task, verdict, example, draft) if failed(verdict) else None
    return replace(verdict, cause=cause, clauses=_overlap(task, example, draft))


def failed(verdict: Verdict) -> bool:
    """Whether an answer is scored and wrong."""
    if verdict.correct or verdict.gold_error or verdict.trivial:
        return False
    return verdict.reached < Level.VALID or verdict.checked == Level.CORRECT


def counted(verdicts: Iterable[Verdict], order: Sequence[str]) -> dict[str, CauseCount]:
    """Failures by label, the most frequent first; labels of equal count as in `order`."""
    counts, first = Counter[str](), dict[str, list[str]]()
    for verdict in verdicts:
        if verdict.cause is not None:
            label = verdict.cause.label
            counts[label] += 1
            if counts[label] <= MOST_EXAMPLES:
                first.setdefault(label, []).append(verdict.id)
    places = {label: place for place, label in enumerate(order)}
    causes = {}
    for label in sorted(counts, key=lambda label: (-counts[label], places.get(label, len(places)), label)):
        low, high = wilson(counts[label], counts.total())
        causes[label] = CauseCount(
            count=counts[label], of=counts.total(), low=low, high=high, examples=tuple(first[label])
        )
    return causes


def _cause(task: Task, verdict: Verdict, example: Example, draft: Draft | None) -> Cause:
    if draft is None:
        return Cause(label=NO_ANSWER, detail=verdict.reason)
    if verdict.reached < Level.VALID:
        called: Mapping[str, str] = {check.name: check.cause for check in task.checks if check.cause}
        error = next((problem for problem in verdict.problems if problem.is_error), None)
        layer = error.layer if error is not None else NO_ANSWER
        return Cause(label=called.get(layer, layer), detail=verdict.reason)
    if verdict.refused or verdict.expects_refusal:
        return Cause(label=REFUSED if verdict.refused else SHOULD_HAVE_REFUSED)
    if verdict.reached == Level.VALID:
        return Cause(label=ENGINE, detail=verdict.reason)
    cause = task.cause(draft.answer, example.answer or "")
    return cause or Cause(label=ENGINE, detail="it gave another result for an answer that is the gold's own")


def _overlap(task: Task, example: Example, draft: Draft | None) -> Overlap | None:
    want = None if example.answer is None else task.clauses(example.answer)
    if want is None:
        return None
    theirs, ours = Counter(want), Counter((task.clauses(draft.answer) or ()) if draft is not None else ())
    return Overlap(shared=(ours & theirs).total(), got=ours.total(), want=theirs.total())
