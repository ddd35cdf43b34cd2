"""The answer to one question, as users get it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

from dstill.api.records import OutcomeKind, Problem, Row
from dstill.io.html import table

__all__ = ["CALLER", "MEMORY", "STUDENT", "PredictedAnswer", "Step", "Votes"]

STUDENT = "student"  # who answered, if no large model did
CALLER = "caller"  # who answered, if the answer came from outside (`Predictor.checked`)
MEMORY = "memory"  # who answered, if somebody confirmed the answer before (`dstill.stages.predict.memory`)


@dataclass(frozen=True, kw_only=True)
class Votes(Row):
    """The outcome of a vote over several answers to one question."""

    agree: int  # answers with the chosen result
    voted: int  # answers that were valid and ran, or refused
    of: int  # all answers

    def __str__(self) -> str:
        if not self.voted:
            return f"none of {self.of} answers could vote"
        abstained = self.of - self.voted
        return f"{self.agree} of {self.of} answers agree" + (f", {abstained} did not vote" if abstained else "")


@dataclass(frozen=True, kw_only=True)
class Step:
    """When a part of the work on an answer was done, in nanoseconds since the epoch."""

    name: str  # write (for all questions of the batch), check
    began: int
    ended: int


@dataclass(frozen=True, kw_only=True)
class PredictedAnswer(Row):
    """The answer to one question."""

    id: str
    question: str
    answer: str  # as the student wrote it; empty: there is none
    ok: bool  # valid, no refusal, and no error if it was run
    refused: bool
    reason: str = ""  # why it is not `ok`, in a line
    read_back: str = ""  # what a valid answer does, in plain words; empty: the task has none
    glossary: tuple[str, ...] = ()  # terms in the question, with what each means: "late = due < now"
    rationale: str = ""  # of a student that reasons before it answers
    problems: tuple[Problem, ...] = ()
    outcome: str = ""  # value of `OutcomeKind`; empty: it was not run
    result: Any = None  # `Outcome.value`, for `Presentation.render_result` and `Task.same`
    confidence: float | None = None  # calibrated probability that it is right, 0 to 1; None: not known, or not valid
    logprob: float | None = None  # of the student's answer; None: not known, or not valid
    unsure: bool | None = None  # less probable than most right answers of this student; None: not known
    abstained: bool = False  # the confidence is below the cut of `Predictor.promise`: there is no answer
    answered_by: str = (
        STUDENT  # or CALLER, MEMORY, or the large model that was asked in its place, as "openai:gpt-5-mini"
    )
    first_answer: str = ""  # the student's first answer, which did not work (`second_look`); empty: this is the first
    second_look: str = ""  # why this is not the first answer
    alternatives: tuple[PredictedAnswer, ...] = ()  # other answers that ran, if somebody asked for them
    question_back: str = ""  # which of these answers is meant; empty: they differ in more than one place
    withheld: str = ""  # what the student wrote, if it abstained or if the large model answered in its place
    similarity: float | None = None  # to the nearest training question, 0 to 1; None: not known
    similarity_threshold: float | None = None  # below this similarity an answer is a guess
    votes: Votes | None = None  # how it was chosen among several answers; None: there was one
    tokens: int = 0  # of the answer, as whoever wrote it counts them; the sum over all answers of a vote
    # that the student wrote for: its share of the batch, the sum over all answers of a vote; and the large model
    seconds: float = 0.0
    steps: tuple[Step, ...] = field(default=(), compare=False, repr=False)  # in the order of time

    @property
    def out_of_distribution(self) -> bool:
        """Whether no training question is similar to this one."""
        return (
            self.similarity is not None
            and self.similarity_threshold is not None
            and self.similarity < self.similarity_threshold
        )

    @property
    def guess(self) -> str:
        """Why this answer, which passes the checks, is only a guess; empty: nothing says so, or it does not pass them.

        That an answer passes the checks and runs does not mean that it is right.
        """
        if not self.ok or self.answered_by == MEMORY:
            return ""
        if self.out_of_distribution and not self.by_fallback:
            return "no training question is like this one"
        if self.confidence is not None:
            return "it is more likely wrong than right" if self.confidence < 0.5 else ""
        if self.unsure is None:
            return "how likely it is right is not known"
        return "the student is not sure of it" if self.unsure else ""

    @property
    def by_student(self) -> bool:
        """Whether the student answered."""
        return self.answered_by == STUDENT

    @property
    def by_fallback(self) -> bool:
        """Whether a large model answered in the place of the student."""
        return self.answered_by not in (STUDENT, CALLER, MEMORY)

    @property
    def verdict(self) -> str:
        """In one word: abstained, refused, ok, or why it is none of these: invalid, unsupported, unavailable."""
        if self.abstained or self.refused:
            return "abstained" if self.abstained else "refused"
        return self.outcome or ("ok" if self.ok else OutcomeKind.INVALID.value)

    def unavailable(self, reason: str) -> Self:
        """This answer, which was not run because the engine did not respond."""
        return replace(self, ok=False, outcome=OutcomeKind.UNAVAILABLE.value, reason=reason)

    def _repr_html_(self) -> str:
        """For a notebook."""
        verdict = self.reason if not self.ok else f"a guess: {self.guess}" if self.guess else "passes the checks"
        facts = {
            "question": self.question,
            "answer": self.answer,
            "in words": self.read_back,
            "verdict": verdict,
            "problems": "; ".join(problem.message for problem in self.problems),
            "confidence": self.confidence,
            "similarity": self.similarity,
            "answered by": "" if self.by_student else self.answered_by,
            "result": "" if self.result is None else str(self.result),
        }
        return table((), [fact for fact in facts.items() if fact[1] not in (None, "")])

    def to_row(self) -> dict[str, Any]:
        """The object of ``dstill predict --json``: without times, so that the same answer gives the same object."""
        row = {**super().to_row(), "guess": self.guess}
        omitted = {"logprob", "unsure", "similarity_threshold", "tokens", "seconds", "steps"}
        omitted |= set() if self.votes else {"votes"}
        omitted |= set() if self.outcome else {"outcome", "result"}
        texts = ("read_back", "glossary", "rationale", "first_answer", "second_look", "question_back")
        omitted |= {name for name in (*texts, "alternatives") if not getattr(self, name)}
        omitted |= set() if self.abstained or self.by_fallback else {"withheld"}
        row["alternatives"] = [
            {"answer": other.answer, "read_back": other.read_back, "result": other.result}
            for other in self.alternatives
        ]
        return {key: value for key, value in row.items() if key not in omitted}
