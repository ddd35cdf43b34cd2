"""Questions about invented data with their plans: what a base of plans is trained on.

for question, plan, subject in plan_questions(seed=0): …      # endless; plan None: the data cannot answer it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from dstill.synthesis.domains.definitions import domains
from dstill.synthesis.domains.naming import Style
from dstill.synthesis.domains.subjects import subject_of
from dstill.synthesis.english import say
from dstill.synthesis.plans import Aggregate, Comparison, Place, Plan, Skip, draw
from dstill.synthesis.subjects import Attribute, Subject

__all__ = ["plan_questions"]

_QUESTIONS = 16  # about one subject
_REFUSALS = 0.06  # share of questions about what the data lack
_TRIES = 200
_EARLIEST_TIME = datetime(2019, 1, 1, 9)


def plan_questions(seed: int) -> Iterator[tuple[str, Plan | None, Subject]]:
    """Endless questions. The same seed gives the same questions."""
    random = Random(f"plans {seed}")
    names = sorted(domains())
    while True:
        now = _EARLIEST_TIME + timedelta(days=random.randrange(3_000), hours=random.randrange(10))
        domain = domains()[random.choice(names)]
        subject = subject_of(domain, Style.draw(random), random, now=now)
        for _ in range(_QUESTIONS):
            question, plan = _question(subject, random)
            if random.random() < _REFUSALS and (without := _without_part(subject, plan, random)) is not None:
                yield question, None, without
            else:
                yield question, plan, subject


def _question(subject: Subject, random: Random) -> tuple[str, Plan]:
    for _ in range(_TRIES):
        try:
            plan = draw(subject, random, joins=True)
            return say(plan, random), plan
        except Skip:
            continue
    raise Skip("the subject has nothing to ask about")


def _without_part(subject: Subject, plan: Plan, random: Random) -> Subject | None:
    """The subject without an attribute that the plan is about; None: it is about none that data may lack."""
    places = [part if isinstance(part, Place) else part.place for part in (*plan.shown, *plan.group)]
    places += [condition.place for condition in plan.conditions if isinstance(condition, Comparison)]
    places += [plan.order.place if isinstance(plan.order, Aggregate) else plan.order] if plan.order else []
    used = [place.attribute for place in places if place is not None and place.attribute.kind not in ("name", "code")]
    if not used:
        return None
    lost: Attribute = random.choice(used)
    entities = [
        replace(entity, attributes=[attribute for attribute in entity.attributes if attribute is not lost])
        for entity in subject.entities
    ]
    return replace(subject, entities=entities)
