"""A body on the embedded engine: run where it answers as Elasticsearch would, else said to be unsupported.

faithfully(holes, search, {"query": {"term": {"level": "error"}}})  → Outcome(kind=ok, value=…)
faithfully(holes, search, {"query": {"knn": …}})                    → Outcome(kind=unsupported, reason=…)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.engines.bodies import aggregations_of
from dstill_querydsl.engines.result_extraction import Search, observe
from dstill_querydsl.engines.unsupported_features import Holes, not_here
from dstill_querydsl.engines.unsupported_significant import cut

__all__ = ["faithfully"]

CUT = "asks for fewer significant terms than there are: which of equal ones stay differs in the embedded engine"


def faithfully(holes: Holes, search: Search, body: Mapping[str, Any]) -> Outcome:
    """`observe`, guarded by what is known of this engine."""
    if hole := holes.meets(body):
        return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=hole)
    outcome = observe(search, body)
    if outcome.kind is OutcomeKind.INVALID and not_here(outcome.reason):
        return replace(outcome, kind=OutcomeKind.UNSUPPORTED)
    if outcome.kind is OutcomeKind.OK and cut(aggregations_of(body), outcome.value["aggregations"]):
        return replace(outcome, kind=OutcomeKind.UNSUPPORTED, reason=CUT, value=None)
    return outcome
