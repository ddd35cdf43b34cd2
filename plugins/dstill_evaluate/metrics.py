"""The metrics of `dstill evaluate`: each takes the verdicts of one set and gives a `Score`.

    ExecutableAccuracy()(verdicts)  →  Score(value=0.913, n=689, low=0.889, high=0.932,
                                             note="left out: 9 vacuous gold, 2 gold error")

A rate at a level is taken over the verdicts that were followed that far, so what was never
tried is "not checked" and lowers nothing:

    parsed, valid         every answer
    executed              answers that were run; a refusal, asked for or given, is not run
    executable_accuracy   answers with a gold that tells something; a right refusal is right
    silent_wrong          the same answers: ran without an error, and was wrong
    exact_match           answers with a gold, compared as canonical text
    refusal_precision     refusals: how many were asked for
    refusal_recall        questions to refuse: how many were refused
    clause_f1             answers whose gold has clauses (`Task.clauses`): how many of both are the other's, as bags;
                          the mean of the answers, in an interval that draws whole templates. No answer is 0
    clause_precision      likewise: of the answer's clauses those that the gold has
    clause_recall         of the gold's clauses those that the answer has

Not covered: whether the gold itself says what the question asked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import Sequence

from dstill.api.metric import Metric, rate
from dstill.api.records import Level, OutcomeKind, Overlap, Score, Verdict
from dstill_evaluate.statistics import mean

__all__ = [
    "METRICS",
    "ClauseF1",
    "ClausePrecision",
    "ClauseRecall",
    "ExactMatch",
    "ExecutableAccuracy",
    "Executed",
    "OfClauses",
    "Parsed",
    "Rate",
    "RefusalPrecision",
    "RefusalRecall",
    "SilentWrong",
    "Valid",
    "left_out",
    "rank",
    "scored",
    "why_left_out",
]


# Outcomes that say something of the engine only.
NOBODYS = (OutcomeKind.UNAVAILABLE.value, OutcomeKind.UNSUPPORTED.value)


def about_refusal(verdict: Verdict) -> bool:
    """Decided without running anything: the right answer, or the one given, is to refuse."""
    return verdict.expects_refusal or verdict.refused


def why_left_out(verdict: Verdict) -> str:
    """Why a verdict says nothing about correctness, or empty when it does. Never the student's fault."""
    if verdict.gold_error:  # an engine that was not there is no error of the gold's
        kind = verdict.gold_error.partition(":")[0]
        return kind if kind in NOBODYS else "gold error"
    if verdict.vacuous:
        return "vacuous gold"
    if verdict.checked < Level.CORRECT:
        return verdict.outcome if verdict.outcome in NOBODYS else "not checked"
    return ""


def left_out(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many verdicts `executable_accuracy` leaves out, by reason."""
    return dict(sorted(Counter(filter(None, map(why_left_out, verdicts))).items()))


def scored(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that `executable_accuracy` counts.

    Refusals are judged without an engine. Where nothing else was, they alone would pass
    for the accuracy of the whole set, so then there are none.
    """
    kept = [v for v in verdicts if not why_left_out(v)]
    if all(about_refusal(v) for v in kept) and not all(about_refusal(v) for v in verdicts):
        return []
    return kept


def note_of(verdicts: Sequence[Verdict]) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in left_out(verdicts).items())
    return "; ".join(filter(None, ["" if scored(verdicts) else "not checked", reasons and f"left out: {reasons}"]))


class Rate(Metric):
    """A share of verdicts: those for which `hit` holds, among `of`."""

    @abstractmethod
    def hit(self, verdict: Verdict) -> bool:
        """Whether a verdict of the denominator counts."""

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        """The denominator."""
        return verdicts

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return ""

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        counted = self.of(verdicts)
        hits = sum(map(self.hit, counted))
        return rate(self.name, hits, len(counted), self.note(verdicts))


class Parsed(Rate):
    """The answer is in the language at all."""

    name = "parsed"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.PARSED

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.PARSED]


class Valid(Rate):
    """No check found an error in it."""

    name = "valid"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.VALID

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.VALID]


class Executed(Rate):
    """The engine ran it."""

    name = "executed"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached >= Level.EXECUTED

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.checked >= Level.EXECUTED and not about_refusal(v)]


class ExecutableAccuracy(Rate):
    """The same result as the gold, or a refusal where one is asked for. Strict: nothing is half right."""

    name = "executable_accuracy"
    headline = True
    summary = True

    def hit(self, verdict: Verdict) -> bool:
        return verdict.correct

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return scored(verdicts)

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return note_of(verdicts)


class SilentWrong(Rate):
    """Ran without an error, and was wrong.

    What hurts most in use: nothing complains, and the result is another one. An answer to
    a question that should have been refused is never run: it counts in `refusal_recall`, not here.
    """

    name = "silent_wrong"
    summary = True
    wording = "Silently wrong, that is run without an error and with another result than the gold's"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.reached == Level.EXECUTED

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return scored(verdicts)

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return note_of(verdicts)


class ExactMatch(Rate):
    """The gold itself, in whatever spelling."""

    name = "exact_match"
    summary = True

    def hit(self, verdict: Verdict) -> bool:
        return bool(verdict.exact)

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.exact is not None]


class RefusalPrecision(Rate):
    """Of the refusals, those asked for."""

    name = "refusal_precision"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.expects_refusal

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        # without a gold nobody knows what was asked for: such a refusal is not followed to CORRECT
        return [v for v in verdicts if v.refused and v.checked == Level.CORRECT]

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return "" if self.of(verdicts) else "nothing was refused"


class RefusalRecall(Rate):
    """Of the refusals asked for, those given."""

    name = "refusal_recall"

    def hit(self, verdict: Verdict) -> bool:
        return verdict.refused

    def of(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        return [v for v in verdicts if v.expects_refusal]

    def note(self, verdicts: Sequence[Verdict]) -> str:
        return "" if self.of(verdicts) else "no question asks for a refusal"


class OfClauses(Metric):
    """A mean over answers whose gold has clauses."""

    @abstractmethod
    def of(self, clauses: Overlap) -> float:
        """The figure of one answer, 0 to 1."""

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        counted = [(v.clauses, v.template or v.id) for v in verdicts if v.clauses is not None]
        values = [self.of(clauses) for clauses, _ in counted]
        return mean(self.name, values, [cluster for _, cluster in counted], "" if counted else "not measured")


class ClauseF1(OfClauses):
    """Clauses that answer and gold share, of those of both."""

    name = "clause_f1"
    summary = True

    def of(self, clauses: Overlap) -> float:
        return clauses.f1


class ClausePrecision(OfClauses):
    """Clauses of the answer that the gold has."""

    name = "clause_precision"

    def of(self, clauses: Overlap) -> float:
        return clauses.precision


class ClauseRecall(OfClauses):
    """Clauses of the gold that the answer has."""

    name = "clause_recall"

    def of(self, clauses: Overlap) -> float:
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
    """The place of a metric in a table: the headline's first, those of other plugins last."""
    known = [m.name for m in METRICS]
    return (known.index(metric) if metric in known else len(known), metric)
