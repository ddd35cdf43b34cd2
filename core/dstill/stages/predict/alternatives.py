"""Other answers to a question that a student nearly gave, for a person who can say which one was meant.

    other_answers(task, answered, [(-0.4, ran), (-1.2, ran), …])    → at most `MOST`, the most probable first
    question_back(["orders where price is 5", "orders where list price is 5"])
                                        → 'Do you mean "where price" or "where list price"?'

An answer is offered if it ran, finds something else than the first one, has no warning that this one has not, and is
nearly as probable as the best. Answers that find the same count as one, whose probability is the sum of theirs
(semantic uncertainty: Kuhn et al. 2023, arXiv:2302.09664).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from dstill.api.task import Task
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.second_look import finds

__all__ = ["MARGIN", "MOST", "is_sure", "other_answers", "question_back"]

MOST = 2
LONGEST = 8  # words of what differs, in a question back
MARGIN = 3.0  # nats: an answer that is less probable than the best by more than this is no alternative


def is_sure(logprob: float | None) -> bool:
    """Whether no other answer can be nearly as probable as one with this log-probability."""
    return logprob is not None and math.exp(logprob) * (1 + math.exp(-MARGIN)) > 1


def other_answers(
    task: Task, answered: PredictedAnswer, ran: Iterable[tuple[float, PredictedAnswer]]
) -> Sequence[PredictedAnswer]:
    """The answers to offer beside `answered`, of those that `ran`, with their log-probabilities."""
    alike: list[tuple[PredictedAnswer, list[float]]] = [(answered, [])] if finds(task, answered) else []
    warnings = {problem.code for problem in answered.problems}
    for logprob, other in ran:
        if finds(task, other) and warnings.issuperset(problem.code for problem in other.problems):
            same = (probabilities for first, probabilities in alike if task.same(other.result, first.result))
            known = next(same, None)
            if known is None:
                alike.append((other, known := []))
            known.append(math.exp(logprob))
    others = [pair for pair in alike if pair[0] is not answered]
    return [other for other, _ in sorted(others, key=lambda pair: -sum(pair[1]))[:MOST]]


# --- the question back ------------------------------------------------------------------

_WORD = re.compile(r"'(?:[^']|'')*'|\w+|[^\w\s]")  # a text in quotes, a word, or a sign


def question_back(readings: Sequence[str]) -> str:
    """What to ask where answers in plain words differ in one place; empty if they differ in several."""
    texts = list(dict.fromkeys(readings))
    words = [list(_WORD.finditer(text)) for text in texts]
    if len(texts) < 2 or not all(words):
        return ""
    before = _alike([[word[0] for word in reading] for reading in words])
    after = _alike([[word[0] for word in reading[before:]][::-1] for reading in words])
    choices = []
    for text, reading in zip(texts, words, strict=True):
        end = len(reading) - after
        if end - before > LONGEST or not before + after:
            return ""
        first, last = max(0, before - 1), min(end, len(reading) - 1)  # with a word on each side
        choices.append(_balanced(text[reading[first].start() : reading[last].end()].strip(" ,;:")))
    *others, last_choice = (f'"{choice}"' for choice in choices)
    return f"Do you mean {', '.join(others)} or {last_choice}?"


def _balanced(text: str) -> str:
    """The text without brackets if one of a pair is missing."""
    return text if text.count("(") == text.count(")") else re.sub(r"[()]", "", text).strip()


def _alike(readings: Sequence[Sequence[str]]) -> int:
    """The number of first words that all readings share."""
    count = 0
    for places in zip(*readings, strict=False):
        if len(set(places)) > 1:
            break
        count += 1
    return count
