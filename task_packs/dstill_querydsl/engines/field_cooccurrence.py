"""Which fields no document of an index has together: counted by one search, which reads no value.

    apart(server, "logs", [Field(name="push.size", …), Field(name="comment.id", …)])   → {"comment.id": ["push.size"]}

Questions about two such fields find nothing. Not covered: fields inside nested objects, and which values go together.
"""

from __future__ import annotations

from itertools import combinations
from typing import Sequence

from dstill.api.records import OutcomeKind
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.replies import told
from dstill_querydsl.language.fields import Field

__all__ = ["apart"]

MOST = 100  # fields: the reply has a count for every two of them


def apart(server: HttpEngine, name: str, fields: Sequence[Field]) -> dict[str, list[str]]:
    """Each pair once, under the name that comes first, a sub-field by its field; nothing where that is not answered."""
    asked = {f"f{n}": one for n, one in enumerate(fields[:MOST]) if not one.nested}
    if len(asked) < 2:
        return {}
    having = {"filters": {"filters": {key: {"exists": {"field": one.name}} for key, one in asked.items()}}}
    outcome = server.search(name, {"size": 0, "aggs": {"having": {**having, "aggs": {"beside": having}}}})
    if outcome.kind is not OutcomeKind.OK:
        return {}
    counts = told(outcome.raw, dict, "aggregations", "having", "buckets")
    found: dict[str, list[str]] = {}
    for one, other in combinations(asked, 2):
        if not told(counts, dict, one, "beside", "buckets", other)["doc_count"]:
            first, second = sorted((_stored(asked[one]), _stored(asked[other])))
            found.setdefault(first, []).append(second)
    return {first: sorted(others) for first, others in sorted(found.items())}


def _stored(one: Field) -> str:
    return one.name.rpartition(".")[0] if one.sub else one.name
