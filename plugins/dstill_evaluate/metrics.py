"""The metrics of `dstill evaluate`: each takes the verdicts of one split and returns a `Score`.

    ExecutableAccuracy()(verdicts)  →  Score(value=0.913, n=689, low=0.889, high=0.932,
                                             note="excluded: 2 failing reference, 9 trivial reference",
                                             uncounted={"failing reference": 2, "trivial reference": 9})

A rate at a level is over the verdicts that were checked up to that level: what was never tried is "not checked" and
lowers nothing.

    metric                counts
    parsed, valid         every answer
    executed              answers that were run; an expected or given refusal is not run
    executable_accuracy   answers whose gold is not trivial; a refusal is right if one is expected
    silent_error_rate     the same answers: the share that ran without an error and gave another result
    exact_match           answers with a gold, compared as canonical text
    refusal_precision     refusals given: the share that was expected
    refusal_recall        refusals expected: the share that was given
    clause_f1             answers whose gold has clauses (`Task.clauses`), compared as bags of clauses: the mean F1
                          with a bootstrap interval by template. An empty answer scores 0
    clause_precision      the same for the share of the answer's clauses that the gold has
    clause_recall         the same for the share of the gold's clauses that the answer has

Executable accuracy is what text-to-SQL calls execution accuracy (Zhong, Xiong & Socher 2017).

Not covered: whether the gold itself answers the question.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dstill.api.metric import Metric, rate
from dstill.api.records import Level, OutcomeKind, Overlap, Score, Verdict
from dstill_evaluate.statistics import mean

__all__ = [
    "METRICS",
    "ClauseF1",
    "ClauseMean",
    "ClausePrecision",
    "ClauseRecall",
    "ExactMatch",
    "ExecutableAccuracy",
    "Executed",
    "Parsed",
    "Rate",
    "RefusalPrecision",
    "RefusalRecall",
    "SilentWrong",
    "Valid",
    "rank",
    "scored",
    "uncounted",
    "why_uncounted",
]


# Outcomes that say something about the engine only, not about the answer.
ENGINE_OUTCOMES = (OutcomeKind.UNAVAILABLE.value, OutcomeKind.UNSUPPORTED.value)


def about_refusal(verdict: Verdict) -> bool:
    """Whether a refusal is expected or given: such an answer is judged without running anything."""
    return verdict.expects_refusal or verdict.refused


def why_uncounted(verdict: Verdict) -> str:
    """Why a verdict says nothing about correctness; empty if it does. The reason is never the student's fault."""
    if verdict.gold_error:  # an unavailable engine is not the gold's error
        kind = verdict.gold_error.partition(":")[0]
        return kind if kind in ENGINE_OUTCOMES else "failing reference"
    if verdict.trivial:
        return "trivial reference"
    if verdict.checked < Level.CORRECT:
        return verdict.outcome if verdict.outcome in ENGINE_OUTCOMES else "not checked"
    return ""


def uncounted(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many verdicts `executable_accuracy` leaves out, by reason."""
    return dict(sorted(Counter(filter(None, map(why_uncounted, verdicts))).items()))


def scored(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that `executable_accuracy` counts.

    Refusals are judged without an engine. If only they were judged, they would pass for the accuracy of the whole
    split, so the result is then empty.
    """
    counted = [v for v in verdicts if not why_uncounted(v)]
    if all(about_refusal(v) for v in counted) and not all(about_refusal(v) for v in verdicts):
        return []
    return counted


def _note(verdicts: Sequence[Verdict]) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in uncounted(verdicts).items())
    return "; ".join(filter(None, ["" if scored(verdicts) else "not checked", reasons and f"excluded: {reasons}"]))


class Rate(Metric):
    """A share of verdicts, with Wilson's interval."""

    @abstractmethod
    def hit(self, verdict: Verdict) -> bool:
        """Whether a verdict of the denominator is in the numerator."""

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        """The verdicts that the share is taken over."""
        return verdicts

    def note(self, verdicts: Sequence[Verdict]) -> str:
        """The note beside the score's value, such as why verdicts were not counted."""
        return ""

    def uncounted(self, verdicts: Sequence[Verdict]) -> Mapping[str, int]:
        """Reason → how many verdicts the score leaves out for it."""
        return {}

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        counted = self.denominator(verdicts)
        hits = sum(map(self.hit, counted))
        score = rate(self.name, hits, len(counted), self.note(verdicts))
        return replace(score, uncounted=self.uncounted(verdicts))


class Parsed(Rate):
    """The answer parses."""

    name = "parsed"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.PARSED

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.PARSED]


class Valid(Rate):
    """No check found an error in the answer."""

    name = "valid"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.VALID

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.VALID]


class Executed(Rate):
    """The engine ran the answer without an error."""

    name = "executed"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.EXECUTED

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.EXECUTED and not about_refusal(v)]


class ExecutableAccuracy(Rate):
    """The same result as the reference, or a refusal if one is expected. There is no partial credit."""

    name = "executable_accuracy"
    headline = True
    summary = True

    def hit(self, verdict: Verdict) -> bool:
        return verdict.correct

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return scored(verdicts)

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return _note(verdicts)

    def uncounted(self, verdicts: Sequence[Verdict]) -> Mapping[str, int]:
        return uncounted(verdicts)


class SilentWrong(Rate):
    """The answer ran without an error and was wrong.

    This is the costliest mistake in use, because nothing reports it. An answer to a question that should have been
    refused is never run: it counts in `refusal_recall`, not here.
    """

    name = "silent_error_rate"
    summary = True
    wording = "Silently wrong (the answer ran without an error, but its result differs from the reference's)"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached == Level.EXECUTED

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return scored(verdicts)

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return _note(verdicts)

    def uncounted(self, verdicts: Sequence[Verdict]) -> Mapping[str, int]:
        return uncounted(verdicts)


class ExactMatch(Rate):
    """The same canonical text as the reference."""

    name = "exact_match"
    summary = True

    def hit(self, verdict: Verdict) -> bool:
        return bool(verdict.exact)

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.exact is not None]


class RefusalPrecision(Rate):
    """The share of refusals that were expected."""

    name = "refusal_precision"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.expects_refusal

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        # a refusal without a gold is not checked up to CORRECT: whether it was expected is unknown
        return [v for v in verdicts if v.refused and v.checked == Level.CORRECT]

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return "" if self.denominator(verdicts) else "nothing was refused"


class RefusalRecall(Rate):
    """The share of expected refusals that were given."""

    name = "refusal_recall"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.refused

    def denominator(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.expects_refusal]

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return "" if self.denominator(verdicts) else "no question asks for a refusal"


class ClauseMean(Metric):
    """The mean of a figure over answers whose gold has clauses, with a bootstrap interval by template."""

    @abstractmethod
    def value(self, clauses: Overlap) -> float:
        """The figure of one answer, 0 to 1."""

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        counted = [(v.clauses, v.template or v.id) for v in verdicts if v.clauses is not None]
        values = [self.value(clauses) for clauses, _ in counted]
        return mean(self.name, values, [cluster for _, cluster in counted], "" if counted else "not measured")


class ClauseF1(ClauseMean):
    """F1 of the answer's clauses against the reference's."""

    name = "clause_f1"
    summary = True

    def value(self, clauses: Overlap) -> float:
        return clauses.f1


class ClausePrecision(ClauseMean):
    """The share of the answer's clauses in the reference."""

    name = "clause_precision"

    def value(self, clauses: Overlap) -> float:
        return clauses.precision


class ClauseRecall(ClauseMean):
    """The share of the reference's clauses in the answer."""

    name = "clause_recall"

    def value(self, clauses: Overlap) -> float:
        return clauses.recall


METRICS: tuple[type[Metric], ...] = (
    ExecutableAccuracy,
    ExactMatch,
    ClauseF1,
    ClausePrecision,
    ClauseRecall,
    Parsed,
    Valid,
    Executed,
    SilentWrong,
    RefusalPrecision,
    RefusalRecall,
)


def rank(metric: str) -> tuple[int, str]:
    """The sort key of a metric in a table: the headline first, metrics of other plugins last."""
    known = [m.name for m in METRICS]
    return (known.index(metric) if metric in known else len(known), metric)
