"""What a student may write about one index: every sentence of it passes strict JSON, schema, mapping and guard.

    grammar_of(profile.fields, profile.values, profile.limits)     -> EBNF of some hundred rules
    {"size":0,"query":{"term":{"host.name":"web-03"}},"aggs":{"a0":{"avg":{"field":"event.duration"}}}}

Fields are the mapping's own, and stand only where the tables of needs let them; queries, aggregations and options
are those of the guard's list; lengths and depths are those of `grammar.bounds`. Keys come in the order of the
synthesizer's golds or in alphabetical order, without white space. Left out although the guard allows it: collapse
and search_after, which hang on what documents hold and on the page before, and options that change nothing a
question can ask for. What only the documents can tell is not known here: whether a field holds several values.
"""

from __future__ import annotations

from typing import Collection

from dstill.errors import ConfigError
from dstill_querydsl.grammar import bounds as bounds
from dstill_querydsl.grammar.aggregations import Metrics
from dstill_querydsl.grammar.body import Body, refusal
from dstill_querydsl.grammar.buckets import Buckets
from dstill_querydsl.grammar.charts import Charts
from dstill_querydsl.grammar.fields import Pick
from dstill_querydsl.grammar.groups import Groups
from dstill_querydsl.grammar.levels import Levels
from dstill_querydsl.grammar.near import BUCKETS, Near
from dstill_querydsl.grammar.notation import Notation, alt
from dstill_querydsl.grammar.places import Places
from dstill_querydsl.grammar.values import Values
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.guard.ranges import values_of
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.values import Values as Held

__all__ = ["grammar_of"]

# What the grammar's own forms come to, at most: limits below would let a sentence be refused.
_LEAST = {"clauses": 120, "bool_depth": 3, "values": bounds.VALUES, "aggregation_depth": 4, "aggregations": 20,
          "buckets": BUCKETS, "string_length": 4 * bounds.CHARACTERS, "wildcards": 2, "timeout": 60,
          "top_hits": 1, "size": 1, "window": 1, "histogram_days": 1, "memory": 128, "patterns": 10_000}  # fmt: skip


def grammar_of(fields: Fields, held: Held, limits: Limits, dialect: str = "elasticsearch9") -> str:
    """EBNF. Raises ConfigError where the guard's limits are lower than the grammar's forms."""
    for name, least in _LEAST.items():
        if getattr(limits, name) < least:
            raise ConfigError(
                f"guard.{name} = {getattr(limits, name)} is below what constrained answers may come to ({least:,})",
                hint="raise it, or decode without a grammar: evaluate.constrain = false",
            )
    made = Notation()
    pick = Pick(fields, limits, made)
    near = Near(held, values_of(fields, held))
    lacking = bounds.LACKING.get(dialect, frozenset())
    bodies = [_body(made, pick, limits, None, lacking), _body(made, pick, limits, near, lacking)]
    return made.text(made.rule("answer", alt(*bodies, refusal(made))))


def _body(made: Notation, pick: Pick, limits: Limits, near: Near | None, lacking: Collection[str]) -> str:
    """Bodies with any date and number and no histogram, or with histograms and dates near what the index holds."""
    values = Values(made, near)
    levels, places, metrics = (
        Levels(made, pick, values),
        Places(made, pick, values),
        Metrics(made, pick, limits, lacking),
    )
    buckets = Buckets(made, metrics, levels, places, values)
    charts = None if near is None else Charts(made, metrics, near)
    groups = Groups(made, pick, metrics, levels, buckets, charts).top()
    return Body(made, pick, levels, places, limits).rule(groups, needed=near is not None)
