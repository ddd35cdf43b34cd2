"""Other answers to a question that a student nearly gave, for a person who can say which one was meant.

    other_answers(task, answered, [(-0.4, ran), (-1.2, ran), …])    → at most `MOST`, the most probable first

An answer is offered if it ran, finds something else than the first one, and is nearly as probable as the best. Answers
that find the same count as one, whose probability is the sum of theirs (semantic uncertainty: Kuhn et al. 2023,
arXiv:2302.09664).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dstill.api.task import Task
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.second_look import finds

__all__ = ["MARGIN", "MOST", "is_sure", "other_answers"]

MOST = 2
MARGIN = 3.0  # nats: an answer that is less probable than the best by more than this is no alternative


def is_sure(logprob: float | None) -> bool:
    """Whether no other answer can be nearly as probable as one with this log-probability."""
    return logprob is not None and math.exp(logprob) * (1 + math.exp(-MARGIN)) > 1


def other_answers(
    task: Task, answered: PredictedAnswer, ran: Iterable[tuple[float, PredictedAnswer]]
) -> Sequence[PredictedAnswer]:
    """The answers to offer beside `answered`, of those that `ran`, with their log-probabilities."""
    alike: list[tuple[PredictedAnswer, list[float]]] = [(answered, [])] if finds(task, answered) else []
    for logprob, other in ran:
        if finds(task, other):
            same = (probabilities for first, probabilities in alike if task.same(other.result, first.result))
            known = next(same, None)
            if known is None:
                alike.append((other, known := []))
            known.append(math.exp(logprob))
    others = [pair for pair in alike if pair[0] is not answered]
    return [other for other, _ in sorted(others, key=lambda pair: -sum(pair[1]))[:MOST]]
