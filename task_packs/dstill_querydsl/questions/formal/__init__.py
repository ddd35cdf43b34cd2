"""Formal questions about indices: plans of `dstill.synthesis`, with their answers as search bodies.

    formal(subject_of(roles, "ticket"), random)
    ("How many tickets of the Oslo office are there?", {"query": …, "size": 0, "track_total_hits": True})

`subject` makes a subject of an index, `writing` writes a plan's answer.
"""

from __future__ import annotations

from random import Random
from typing import Any

from dstill.synthesis.english import say
from dstill.synthesis.plans import Skip, draw
from dstill_querydsl.questions.formal.subject import IndexSubject
from dstill_querydsl.questions.formal.writing import write

__all__ = ["formal"]

_TRIES = 200


def formal(about: IndexSubject, random: Random) -> tuple[str, dict[str, Any]]:
    """A question and its answer. Raises Skip if the index has nothing to ask about."""
    for _ in range(_TRIES):
        try:
            plan = draw(about.subject, random, joins=False)
            return say(plan, random), write(plan, about.roles)
        except Skip:
            continue
    raise Skip
