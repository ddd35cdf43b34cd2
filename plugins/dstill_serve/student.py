"""The student behind the server: checks that a query can be answered, and answers batches of them.

student = Student(predictor)
student.job(query)                         Job(example=…); raises RequestError for an unknown model or unknown data
student.work([job, …])                     [StudentAnswer(predicted=…, rationale="…", prompt_tokens=14), …]
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dstill.api.records import Example
from dstill.errors import UsageError, did_you_mean
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor
from dstill_serve.errors import RequestError
from dstill_serve.request_schema import Query

__all__ = ["Job", "Student", "StudentAnswer"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A question for the student."""

    example: Example
    explain: bool


@dataclass(frozen=True, kw_only=True)
class StudentAnswer:
    """The answer to a job, checked but not executed: the student's, or that of a large model in its place."""

    predicted: PredictedAnswer
    prompt_tokens: int | None  # None: this student does not count them, or a large model answered
    rationale: str | None  # None: not requested, or the student was not trained to explain its answers

    def replaced(self, predicted: PredictedAnswer) -> StudentAnswer:
        """With `predicted` in the place of the student's answer."""
        if not predicted.by_fallback:
            return replace(self, predicted=predicted)
        return StudentAnswer(predicted=predicted, prompt_tokens=None, rationale=predicted.rationale or None)


class Student:
    """Wraps a `Predictor` that was entered. `work` belongs to one thread, the rest is safe from any thread."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.run = predictor.run
        self.model = predictor.run.name
        self.contexts = _contexts(predictor)

    def require_model(self, name: str) -> None:
        """Raises RequestError unless `name` is this student's model."""
        if name != self.model:
            message = f"unknown model '{name}'; this server has '{self.model}'"
            raise RequestError(404, "model_not_found", message, param="model")

    def job(self, query: Query) -> Job:
        """The job for `query`. Raises RequestError if its model, data or question is not usable."""
        if query.model is not None:
            self.require_model(query.model)
        context = {} if query.data is None else self._context(query.data)
        try:
            example = self.predictor.example(
                query.question, id=secrets.token_hex(8), context=context, after=query.after
            )
        except UsageError as error:
            raise RequestError(400, "invalid_question", f"{error.what}; {error.hint}", param=query.param) from None
        return Job(example=example, explain=query.explain)

    def _context(self, name: str) -> Mapping[str, Any]:
        if name in self.contexts:
            return self.contexts[name]
        task = self.run.setup.task
        known = ", ".join(self.contexts) or "none"
        message = f"unknown {task.data_noun} '{name}'.{did_you_mean(name, self.contexts)} Known: {known}"
        raise RequestError(404, f"{task.data_key}_not_found", message, param=task.data_key)

    def work(self, jobs: Sequence[Job]) -> list[StudentAnswer]:
        """Answer all jobs in one batch, then explain those that ask for it, in a second batch if necessary."""
        predictor, examples = self.predictor, [job.example for job in jobs]
        predicted = predictor.answer(examples, execute=False, fall_back=False)
        prompt_tokens: Sequence[int | None] = predictor.count_tokens(examples) or [None] * len(jobs)
        rationales: dict[int, str] = {n: row.rationale for n, row in enumerate(predicted) if row.rationale}
        unexplained = [n for n, job in enumerate(jobs) if job.explain and n not in rationales]
        if unexplained and predictor.explains:
            rationales.update(zip(unexplained, predictor.explain([examples[n] for n in unexplained]), strict=True))
        return [
            StudentAnswer(predicted=row, prompt_tokens=read, rationale=rationales.get(n) if jobs[n].explain else None)
            for n, (row, read) in enumerate(zip(predicted, prompt_tokens, strict=True))
        ]


def _contexts(predictor: Predictor) -> dict[str, Mapping[str, Any]]:
    """Name → context of each data set in the run, and of the engine's own data if it has a name."""
    contexts: dict[str, Mapping[str, Any]] = dict(predictor.contexts)
    if predictor.executor is not None and (own := predictor.executor.data):
        contexts.setdefault(own, predictor.context)
    return contexts
