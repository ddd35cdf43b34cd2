"""Runs a body on the embedded engine only if Elasticsearch would return the same; else reports it as unsupported.

search_if_supported(unsupported, search, {"query": {"term": {"level": "error"}}})  → Outcome(kind=ok, value=…)
search_if_supported(unsupported, search, {"query": {"knn": …}})                    → Outcome(kind=unsupported, …)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.engines.bodies import aggregations_of
from dstill_querydsl.engines.result_extraction import Search, observe
from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures, is_missing_feature
from dstill_querydsl.engines.unsupported_significant import is_truncated

__all__ = ["search_if_supported"]

TRUNCATED = "cuts off significant terms: of terms with equal scores, the embedded engine keeps others"


def search_if_supported(unsupported: UnsupportedFeatures, search: Search, body: Mapping[str, Any]) -> Outcome:
    """`observe` for the embedded engine, which gives the outcome `UNSUPPORTED` if its result may differ."""
    if reason := unsupported.reason(body):
        return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)
    outcome = observe(search, body)
    if outcome.kind is OutcomeKind.INVALID and is_missing_feature(outcome.reason):
        return replace(outcome, kind=OutcomeKind.UNSUPPORTED)
    if outcome.kind is OutcomeKind.OK and is_truncated(aggregations_of(body), outcome.value["aggregations"]):
        return replace(outcome, kind=OutcomeKind.UNSUPPORTED, reason=TRUNCATED, value=None)
    return outcome
