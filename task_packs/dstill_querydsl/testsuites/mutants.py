"""A gold's mutants: bodies that differ from it in one step and mean something else.

    mutants_of({"query": {"range": {"took": {"gte": 5}}}}, layout, legal)
    → Mutant(name="gte→gt at /query/range/took", answer='{"query":{"range":{"took":{"gt":5}}}}'), …

The steps are those that models take wrongly: a clause lost or put under another word, a bound, a
field, an operator or a value, another metric, interval or group, another order or page. What the
checks refuse is no mutant (they tell it already), nor is what has the gold's canonical form.
Not covered: two steps at once, and scores.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping

from dstill.api.records import Mutant
from dstill_querydsl.canonical import canonical
from dstill_querydsl.testsuites import steps_aggregations, steps_clauses, steps_fields, steps_page, steps_values
from dstill_querydsl.testsuites.layout import Layout
from dstill_querydsl.testsuites.mutations import Edit

__all__ = ["MOST", "compact", "mutants_of"]

MOST = 48  # of one gold; of more, some of each kind
KINDS: tuple[Callable[[Mapping[str, Any], Layout], Iterator[Edit]], ...] = (
    steps_clauses.clauses,
    steps_values.bounds,
    steps_values.values,
    steps_fields.swapped,
    steps_fields.operators,
    steps_aggregations.aggregations,
    steps_page.sorts,
    steps_page.pages,
)


def mutants_of(body: Mapping[str, Any], layout: Layout, legal: Callable[[str], bool]) -> list[Mutant]:
    """At most `MOST` mutants of `body`, the same ones at every call."""
    known = {_form(body)}
    kinds = []
    for kind in KINDS:
        found = []
        for name, changed in kind(body, layout):
            form = _form(changed)
            if form not in known:
                known.add(form)
                found.append((name, changed))
        kinds.append(found)
    chosen: list[Mutant] = []
    for turn in range(max(map(len, kinds), default=0)):
        for found in kinds:
            if turn < len(found) and len(chosen) < MOST:
                name, changed = found[turn]
                answer = compact(changed)
                if legal(answer):
                    chosen.append(Mutant(name=name, answer=answer))
    return chosen


def compact(body: Mapping[str, Any]) -> str:
    """A body as an answer is written."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _form(body: Mapping[str, Any]) -> str:
    return json.dumps(canonical(dict(body)), sort_keys=True)
