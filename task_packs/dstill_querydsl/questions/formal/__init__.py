"""Formal questions about indices: plans of `dstill.synthesis`, with their answers as search bodies.

    formal(subject_of(roles, "ticket"), random)
    ("How many tickets of the Oslo office are there?", {"query": …, "size": 0, "track_total_hits": True})

`subject` makes a subject of an index, `writing` writes a plan's answer.
"""

from __future__ import annotations

from random import Random
from typing import Any

from dstill.linked.dialogue import joined
from dstill.synthesis.dialogues import in_two
from dstill.synthesis.english import say
from dstill.synthesis.plans import Plan, Skip, draw
from dstill_querydsl.language.readback import Names, read_back
from dstill_querydsl.questions.formal.subject import IndexSubject
from dstill_querydsl.questions.formal.writing import write

__all__ = ["formal"]

_TRIES = 200
_FOLLOW_UPS = 0.5  # share of questions that go on from another one
_READ_BACK = 0.3  # of those: the other one as its answer is read back


def formal(about: IndexSubject, random: Random) -> tuple[str, dict[str, Any]]:
    """A question and its answer. Raises Skip if the index has nothing to ask about."""
    for _ in range(_TRIES):
        try:
            plan = draw(about.subject, random, joins=False)
            answer = write(plan, about.roles)
            if random.random() >= _FOLLOW_UPS:
                return say(plan, random), answer
            before, then = in_two(plan, random)
            return joined(_said(before, about, random), then), answer
        except Skip:
            continue
    raise Skip


def _said(plan: Plan, about: IndexSubject, random: Random) -> str:
    body = write(plan, about.roles)
    if random.random() >= _READ_BACK:
        return say(plan, random)
    return "".join(phrase.text for phrase in read_back(body, Names(None), plan.entity.noun))
