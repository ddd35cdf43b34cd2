"""What the student's thread does for a batch of requests, and which questions it knows.

student = Student(answering)
student.job(query)                         Job(example=…), or Wrong: no such model, no such data, no question
student.work([job, …])                     [Said(answered=…, rationale="…", read=14), …]
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from dstill.api.records import Example
from dstill.errors import UsageError, did_you_mean
from dstill.pipeline.predict import PredictedAnswer, Predictor
from dstill_serve.problems import Wrong
from dstill_serve.request_schema import Query

__all__ = ["Job", "Said", "Student"]


@dataclass(frozen=True, kw_only=True)
class Job:
    example: Example
    explain: bool


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of a job, not run yet."""

    answered: PredictedAnswer
    read: int | None  # tokens of the question; None: this student does not count them
    rationale: str | None  # None: it was not asked for, or the student learnt none


class Student:
    """Over an `Predictor` that was entered. `work` is for one thread; everything else is for any."""

    def __init__(self, answering: Predictor) -> None:
        self.answering = answering
        self.run = answering.run
        self.model = answering.run.name
        self.contexts = _contexts(answering)

    def job(self, query: Query) -> Job:
        """Raises Wrong."""
        if query.model not in (None, self.model):
            raise Wrong(404, "model_not_found", f"no model '{query.model}' here; this is '{self.model}'", param="model")
        try:
            example = self.answering.example(query.question, id=secrets.token_hex(8))
        except UsageError as error:
            raise Wrong(400, "invalid_question", f"{error.what}; {error.hint}", param=query.param) from None
        if query.data is not None:
            if query.data not in self.contexts:
                task = self.run.setup.task
                known = ", ".join(self.contexts) or "none by name"
                near = did_you_mean(query.data, self.contexts)
                message = f"this model knows no {task.data_noun} '{query.data}'.{near} It knows {known}"
                raise Wrong(404, f"{task.data_key}_not_found", message, param=task.data_key)
            example = replace(example, context=self.contexts[query.data])
        return Job(example=example, explain=query.explain)

    def work(self, jobs: Sequence[Job]) -> list[Said]:
        """The answers to all, written together and checked; then the rationales of those that want one."""
        answering, examples = self.answering, [job.example for job in jobs]
        answered = answering.answer(examples, execute=False)
        read: Sequence[int | None] = answering.count_tokens(examples) or [None] * len(jobs)
        rationales: dict[int, str] = {n: a.rationale for n, a in enumerate(answered) if a.rationale}
        wanted = [n for n, job in enumerate(jobs) if job.explain and n not in rationales]
        if wanted and answering.explains:
            rationales.update(zip(wanted, answering.explain([examples[n] for n in wanted]), strict=True))
        return [
            Said(answered=a, read=r, rationale=rationales.get(n) if jobs[n].explain else None)
            for n, (a, r) in enumerate(zip(answered, read, strict=True))
        ]


def _contexts(answering: Predictor) -> dict[str, Mapping[str, Any]]:
    """The context of questions about each data that the run knows, and about the engine's own where that is named."""
    found: dict[str, Mapping[str, Any]] = dict(answering.contexts)
    if answering.executor is not None and (own := answering.executor.data):
        found.setdefault(own, answering.context)
    return found
