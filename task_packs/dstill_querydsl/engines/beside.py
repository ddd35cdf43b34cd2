"""Which fields no document of an index has together: counted by one search, which reads no value.

    apart(server, "logs", [Field(name="push.size", …), Field(name="comment.id", …)])   → {"comment.id": ["push.size"]}

Questions about two such fields find nothing. Not covered: fields inside nested objects, and which values go together.
"""

from __future__ import annotations

from itertools import combinations
from typing import Sequence

from dstill.records import OutcomeKind
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.replies import told
from dstill_querydsl.fields import Field

__all__ = ["apart"]


def apart(server: HttpEngine, name: str, fields: Sequence[Field]) -> dict[str, list[str]]:
    """Each pair once, under the name that comes first, a sub-field by its field; nothing where that is not answered."""
    asked = {f"f{n}": one for n, one in enumerate(fields) if not one.nested}
    if len(asked) < 2:
        return {}
    filters = {key: {"exists": {"field": one.name}} for key, one in asked.items()}
    outcome = server.search(name, {"size": 0, "aggs": {"beside": {"adjacency_matrix": {"filters": filters}}}})
    if outcome.kind is not OutcomeKind.OK:
        return {}
    buckets = told(outcome.raw, list, "aggregations", "beside", "buckets")
    met = {frozenset(str(bucket["key"]).split("&")) for bucket in buckets}
    found: dict[str, list[str]] = {}
    for pair in combinations(asked, 2):
        if frozenset(pair) not in met:
            first, second = sorted(_stored(asked[key]) for key in pair)
            found.setdefault(first, []).append(second)
    return {first: sorted(others) for first, others in sorted(found.items())}


def _stored(one: Field) -> str:
    return one.name.rpartition(".")[0] if one.sub else one.name
