"""A vote over several answers to one question, by their results.

    vote(predictor, [example], 8, temperature=0.7)
    → [PredictedAnswer(answer="{…}", votes=Votes(agree=5, voted=7, of=8), …)]

One answer is greedy, the others are sampled. Answers with the same result form a group (`Task.same`, asked both ways),
and refusals form another. Answers that are invalid or did not run do not vote. The largest group wins; of equally large
groups the one with the greedy answer, else the first. This is self-consistency (Wang et al. 2022, arXiv:2203.11171)
with results in place of final answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dstill.api.faults import about
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.errors import UsageError
from dstill.stages.predict.predicted import PredictedAnswer, Votes
from dstill.stages.predict.predictor import Predictor

__all__ = ["TEMPERATURE", "distinct", "elected", "vote"]

TEMPERATURE = 0.7  # of sampled answers, by default


def vote(
    predictor: Predictor,
    examples: Sequence[Example],
    n: int,
    *,
    temperature: float = TEMPERATURE,
    seed: int | None = None,
) -> list[PredictedAnswer]:
    """One answer to each example, elected among `n`. Raises UsageError when answers cannot be sampled or run."""
    if predictor.executor is None:
        raise UsageError(
            f"answers vote by their results, but they cannot be run: {_why(predictor)}",
            where="--self-consistency",
            hint="use --num-samples, which shows the answers",
        )
    return [
        elected(predictor.setup.task, answers)
        for answers in predictor.sample(examples, n, temperature=temperature, seed=seed, execute=True)
    ]


def _why(predictor: Predictor) -> str:
    task = predictor.setup.task.name
    return "no executor was opened" if not predictor.execute else f"task '{task}' has no executor"


def elected(task: Task, answers: Sequence[PredictedAnswer]) -> PredictedAnswer:
    """The answer with the most frequent result; `answers` begin with the greedy one, which wins if none may vote."""
    groups: list[list[PredictedAnswer]] = []
    for answer in answers:
        if not (answer.refused or (answer.ok and answer.outcome)):
            continue
        group = next((group for group in groups if _agree(task, answer, group[0])), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    # of equally large groups `max` takes the first; the greedy answer, if it votes, is in the first group
    largest = max(groups, key=len, default=[answers[0]])
    votes = Votes(agree=len(largest) if groups else 0, voted=sum(map(len, groups)), of=len(answers))
    tokens, seconds = sum(answer.tokens for answer in answers), sum(answer.seconds for answer in answers)
    return replace(largest[0], votes=votes, tokens=tokens, seconds=round(seconds, 6))


def _agree(task: Task, predicted_answer: PredictedAnswer, other: PredictedAnswer) -> bool:
    if predicted_answer.refused or other.refused:
        return predicted_answer.refused and other.refused
    # `same` is not symmetric: it treats the second result as the gold one, and neither is
    with about(predicted_answer.id):
        return task.same(predicted_answer.result, other.result) and task.same(other.result, predicted_answer.result)


def distinct(task: Task, answers: Sequence[PredictedAnswer]) -> list[tuple[PredictedAnswer, int]]:
    """The answers that differ by more than spelling, in their order, each with its count."""
    counts: dict[str, tuple[PredictedAnswer, int]] = {}
    for answer in answers:
        with about(answer.id):
            key = task.canonical(answer.answer)
        first, count = counts.get(key, (answer, 0))
        counts[key] = (first, count + 1)
    return list(counts.values())
