"""Make questions with gold and rationale for any mapping.

    for example in questions(index, n=500, seed=0, rules=Rules()): …
    Example(id="flights-0-00000", question="how many flights with carrier UA are there?", answer='{"size":0,…}', …)

In: an `Index` (mapping and known values) and an optional lexicon. Out: questions of every
category that the mapping has fields for. Every gold has passed the checks and a run.
"""

from __future__ import annotations

from dstill_querydsl.questions.templates.generate import Tally, composed_questions, questions, splits
from dstill_querydsl.questions.templates.verify import Rules

__all__ = ["Rules", "Tally", "composed_questions", "questions", "splits"]
