"""Finds pairs of fields that no document of an index has together, with one search that reads no value.

    never_together(server, "logs", [Field(name="push.size", …), Field(name="comment.id", …)])
    → {"comment.id": ["push.size"]}

A question about two such fields would find nothing. Not covered: fields inside nested objects, and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from dstill.api.records import OutcomeKind
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.replies import value_at
from dstill_querydsl.language.fields import Field

__all__ = ["never_together"]

MAX_FIELDS = 100  # the reply has a count for every pair


def never_together(server: HttpEngine, name: str, fields: Sequence[Field]) -> dict[str, list[str]]:
    """Field → fields that no document has with it. Each pair is listed once, a sub-field under its field's name.

    Uses the first `MAX_FIELDS` fields. Empty if the search fails.
    """
    by_key = {f"f{n}": field for n, field in enumerate(fields[:MAX_FIELDS]) if not field.nested}
    if len(by_key) < 2:
        return {}
    having = {"filters": {"filters": {key: {"exists": {"field": field.name}} for key, field in by_key.items()}}}
    outcome = server.search(name, {"size": 0, "aggs": {"having": {**having, "aggs": {"beside": having}}}})
    if outcome.kind is not OutcomeKind.OK:
        return {}
    counts = value_at(outcome.raw, dict, "aggregations", "having", "buckets")
    apart: dict[str, list[str]] = {}
    for key, other in combinations(by_key, 2):
        if not value_at(counts, dict, key, "beside", "buckets", other)["doc_count"]:
            first, second = sorted((_parent(by_key[key]), _parent(by_key[other])))
            apart.setdefault(first, []).append(second)
    return {first: sorted(others) for first, others in sorted(apart.items())}


def _parent(field: Field) -> str:
    """The field of a sub-field, else the field itself."""
    return field.name.rpartition(".")[0] if field.sub else field.name
