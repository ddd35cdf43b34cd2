"""Mutants of a gold: bodies that differ from it in one step and mean something else.

    mutants_of({"query": {"range": {"took": {"gte": 5}}}}, layout, legal)
    → Mutant(name="gte→gt at /query/range/took", answer='{"query":{"range":{"took":{"gt":5}}}}'), …

The steps are typical errors of models: a clause is missing or under another occurrence, another bound, field, operator
or value, another metric, interval or group, another order or page. A body that the checks refuse is not a mutant, since
they find the error already. Neither is a body with the gold's canonical form. Not covered: two steps at once, and
scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dstill.api.records import Mutant
from dstill_querydsl.language.canonical import canonical
from dstill_querydsl.testdata import steps_aggregations, steps_clauses, steps_fields, steps_page, steps_values
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit

__all__ = ["MOST", "compact", "mutants_of"]

MOST = 48  # of one gold. If there are more, some of each kind
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
    """At most `MOST` mutants of `body` for which `legal(answer)` is true. The same at every call."""
    known = {_form(body)}
    kinds = []
    for kind in KINDS:
        row = []
        for name, changed in kind(body, layout):
            form = _form(changed)
            if form not in known:
                known.add(form)
                row.append((name, changed))
        kinds.append(row)
    chosen: list[Mutant] = []
    for turn in range(max(map(len, kinds), default=0)):
        for row in kinds:
            if turn < len(row) and len(chosen) < MOST:
                name, changed = row[turn]
                answer = compact(changed)
                if legal(answer):
                    chosen.append(Mutant(name=name, answer=answer))
    return chosen


def compact(body: Mapping[str, Any]) -> str:
    """A body as the text of an answer."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _form(body: Mapping[str, Any]) -> str:
    return json.dumps(canonical(dict(body)), sort_keys=True)
