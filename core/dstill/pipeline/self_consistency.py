"""A vote over several answers to one question, by what they give when they are run.

    vote(answering, [example], 8, temperature=0.7)
    → [PredictedAnswer(answer="{…}", votes=Votes(agree=5, voted=7, of=8), …)]

The greedy answer is one of them, the others are drawn. Those with the same result (`Task.same`, asked both ways)
are a group, refusals are one of their own; what is invalid, or was not run to its end, does not vote. The largest
group is taken: of equal ones that with the greedy answer, else the one that was met first. Self-consistency, as
Wang et al. 2022 (arXiv:2203.11171) have it, with results in the place of final answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from dstill.api.faults import about
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.errors import UsageError
from dstill.pipeline.predict import PredictedAnswer, Predictor, Votes

__all__ = ["TEMPERATURE", "distinct", "elected", "vote"]

TEMPERATURE = 0.7  # of drawn answers, where nothing else is said


def vote(
    answering: Predictor,
    examples: Sequence[Example],
    n: int,
    *,
    temperature: float = TEMPERATURE,
    seed: int | None = None,
) -> list[PredictedAnswer]:
    """One answer to each example, elected among `n`. Raises UsageError where answers cannot be drawn, or not be run."""
    if answering.executor is None:
        raise UsageError(
            f"answers vote by their results, and nothing runs them: {_why(answering)}",
            where="--self-consistency",
            hint="use --num-samples, which shows the answers",
        )
    return [
        elected(answering.setup.task, given)
        for given in answering.sample(examples, n, temperature=temperature, seed=seed, execute=True)
    ]


def _why(answering: Predictor) -> str:
    task = answering.setup.task.name
    return "no executor was opened" if not answering.execute else f"task '{task}' has no executor"


def elected(task: Task, given: Sequence[PredictedAnswer]) -> PredictedAnswer:
    """The answer that most of `given` agree with, the greedy one first; where none may vote, that one."""
    groups: list[list[PredictedAnswer]] = []
    for one in given:
        if not (one.refused or (one.ok and one.outcome)):
            continue
        group = next((group for group in groups if _agree(task, one, group[0])), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    # of equal ones `max` takes the first, and the greedy answer is in the first group if it is in one
    largest = max(groups, key=len, default=[given[0]])
    votes = Votes(agree=len(largest) if groups else 0, voted=sum(map(len, groups)), of=len(given))
    tokens, seconds = sum(one.tokens for one in given), sum(one.seconds for one in given)
    return replace(largest[0], votes=votes, tokens=tokens, seconds=round(seconds, 6))


def _agree(task: Task, one: PredictedAnswer, other: PredictedAnswer) -> bool:
    if one.refused or other.refused:
        return one.refused and other.refused
    # the second of the two decides what counts, and neither of these is the gold
    with about(one.id):
        return task.same(one.result, other.result) and task.same(other.result, one.result)


def distinct(task: Task, given: Sequence[PredictedAnswer]) -> list[tuple[PredictedAnswer, int]]:
    """Answers that differ by more than their spelling, in the order in which they came, each with how often it did."""
    counts: dict[str, tuple[PredictedAnswer, int]] = {}
    for one in given:
        with about(one.id):
            key = task.canonical(one.answer)
        first, count = counts.get(key, (one, 0))
        counts[key] = (first, count + 1)
    return list(counts.values())
