"""A session in which a person judges a student's answers, with what page and terminal use of a `ReviewSession`.

    session = JudgingSession(run, judgements, executor)
    session.current()                                  # the answer to judge, as a record; None: none is open
    session.judge(record.id, digest(record), "accept")                # it is right
    session.edit(record.id, digest(record), answer="1+2", rationale=None)     # it is wrong, and this is right
    session.ask("how many failed")                     # one more question; its answer is the current one

Each judgement is on disk when the call returns (`dstill.runs.judgements`). Sessions are thread-safe.
"""

from __future__ import annotations

from typing import Any

from dstill.api.executor import Executor
from dstill.api.metric import rate
from dstill.api.records import Problem, Record
from dstill.errors import UsageError
from dstill.quality.review import ACCEPT, EDIT, REJECT, SKIP, Decision, digest
from dstill.runs.judgements import LEAST, JudgedAnswer, Judgements
from dstill.runs.run import Run
from dstill_review.session import Checked, InvalidEdit, ReviewSession, StaleRow, normalized

__all__ = ["JudgingSession", "Session"]


class JudgingSession(Checked):
    """The judging of one run's answers, whose lock the caller holds."""

    asks = "judge"

    def __init__(self, run: Run, judgements: Judgements, executor: Executor | None) -> None:
        super().__init__(run, executor)
        self._judgements = judgements
        self._decided: list[Decision] = []  # in this session

    def current(self) -> Record | None:
        """The answer to judge now; None if no answer is open."""
        with self._lock:
            skipped = {decision.id for decision in self._decided if decision.decision == SKIP}
            return next((_record(answer) for answer in self._judgements.open if answer.id not in skipped), None)

    def progress(self) -> dict[str, Any]:
        """Counts, and the share of right answers (`rate`) with its 95 % Wilson interval."""
        with self._lock:
            judged, decided = self._judgements.judged, [decision.decision for decision in self._decided]
            right = sum(bool(answer.right) for answer in judged)
            score = rate("right", right, len(judged))
            return {
                "sample": max(LEAST, len(judged)),
                "judged": len(judged),
                "left": self._judgements.missing,
                "accepted": right,
                "rejected": len(judged) - right,
                "edited": decided.count(EDIT),
                "skipped": decided.count(SKIP),
                "rate": score.value,
                "low": score.low,
                "high": score.high,
                "categories": {},
            }

    def judge(self, id: str, digest: str, decision: str) -> None:
        """Say that an answer is right (ACCEPT) or wrong, or skip it. Raises StaleRow."""
        with self._lock:
            self._require_current(id, digest)
            if decision in (ACCEPT, REJECT):
                self._judgements.judge(id, right=decision == ACCEPT)
            self._decided.append(Decision(id=id, decision=decision, who="", when=""))

    def edit(self, id: str, digest: str, *, answer: str | None, rationale: str | None) -> None:
        """Say that an answer is wrong, and what is right. Raises InvalidEdit or StaleRow."""
        record = self._require_current(id, digest)
        text = normalized(answer or "", as_json=self.run.task.json_answers)
        if self.run.task.canonical(text) == self.run.task.canonical(record.answer):
            message = "this is the student's answer: call it right or wrong, or change it"
            raise InvalidEdit([Problem(layer="edit", code="same", message=message)])
        self.require_valid(record, text, record.rationale)
        with self._lock:
            self._require_current(id, digest)
            self._judgements.judge(id, right=False, correction=text)
            self._decided.append(Decision(id=id, decision=EDIT, who="", when=""))

    def undo(self) -> Decision | None:
        """Take back the last decision of this session and return it; None if there is none."""
        with self._lock:
            if not self._decided:
                return None
            last = self._decided.pop()
            if last.decision != SKIP:
                self._judgements.undo(last.id)
            return last

    def ask(self, question: str) -> None:
        """Answer one more question of the person. Raises InvalidEdit if there is no answer to judge."""
        with self._lock:
            try:
                asked = self._judgements.ask(question)
            except UsageError as error:
                raise InvalidEdit([Problem(layer="question", code="unusable", message=error.what)]) from None
            if asked is None:
                message = "the checks refuse the student's answer, so it is never given; ask another question"
                raise InvalidEdit([Problem(layer="question", code="no_answer", message=message)])

    def _require_current(self, id: str, asked: str) -> Record:
        record = self.current()
        if record is None or record.id != id or digest(record) != asked:
            raise StaleRow(f"answer '{id}' is already judged")
        return record


Session = ReviewSession | JudgingSession


def _record(judged: JudgedAnswer) -> Record:
    answered, example = judged.answered, judged.example
    return Record(
        id=judged.id,
        question=example.question,
        rationale=answered.rationale,
        answer=answered.answer,
        context=example.context,
        split="",
    )
