"""The grammar for constrained decoding on an index. Its sentences pass strict JSON, schema, mapping and guard.

    grammar_of(profile.fields, profile.values, profile.limits)     -> EBNF with a few hundred rules
    {"size":0,"query":{"term":{"host.name":"web-03"}},"aggs":{"a0":{"avg":{"field":"event.duration"}}}}

Field names come from the mapping, and appear only where `mapping.needs` allows them. Queries, aggregations and options
come from the guard's allow-list; `grammar.bounds` limits lengths and depths. Keys are in the order of the synthesizer's
answers or in alphabetical order, without white space. Not included although the guard allows them: collapse and
search_after, which depend on documents and on the previous page, and options that do not affect what a question asks
for. Whether a field has several values in a document is not known here.
"""

from __future__ import annotations

from collections.abc import Collection

from dstill.api.values import Values
from dstill.errors import ConfigError
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.aggregations import Metrics
from dstill_querydsl.language.grammar.body import Body, refusal
from dstill_querydsl.language.grammar.buckets import BucketRules
from dstill_querydsl.language.grammar.charts import Charts
from dstill_querydsl.language.grammar.data_range import BUCKETS, DataRange
from dstill_querydsl.language.grammar.fields import FieldPicker
from dstill_querydsl.language.grammar.groups import Groups
from dstill_querydsl.language.grammar.levels import Levels
from dstill_querydsl.language.grammar.notation import Notation, alt
from dstill_querydsl.language.grammar.places import Places
from dstill_querydsl.language.grammar.values import ValueTokens
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.ranges import values_of

__all__ = ["grammar_of"]

# The largest values in the grammar. With a lower limit, the guard would refuse some of its sentences.
_REQUIRED = {"clauses": 120, "bool_depth": 3, "values": bounds.VALUES, "aggregation_depth": 4, "aggregations": 20,
          "buckets": BUCKETS, "string_length": 4 * bounds.CHARACTERS, "wildcards": 2, "timeout": 60,
          "top_hits": 1, "size": 1, "window": 1, "histogram_days": 1, "memory": 128, "patterns": 10_000}  # fmt: skip


def grammar_of(fields: Fields, known: Values, limits: Limits, dialect: str = "elasticsearch9") -> str:
    """The grammar as EBNF. Raises ConfigError if a limit of the guard is too low for it."""
    for name, required in _REQUIRED.items():
        if getattr(limits, name) < required:
            raise ConfigError(
                f"guard.{name} = {getattr(limits, name)} is too low for constrained decoding, which needs {required:,}",
                hint="raise it, or decode without a grammar: evaluate.constrain = false",
            )
    notation = Notation()
    picker = FieldPicker(fields, limits, notation)
    data_range = DataRange(known, values_of(fields, known))
    lacking = bounds.LACKING.get(dialect, frozenset())
    bodies = [_body(notation, picker, limits, None, lacking), _body(notation, picker, limits, data_range, lacking)]
    return notation.text(notation.rule("answer", alt(*bodies, refusal(notation))))


def _body(
    notation: Notation, picker: FieldPicker, limits: Limits, data_range: DataRange | None, lacking: Collection[str]
) -> str:
    """The rule of a body. Without `data_range` it has any dates and numbers, but no histograms."""
    values = ValueTokens(notation, data_range)
    levels, places, metrics = (
        Levels(notation, picker, values),
        Places(notation, picker, values),
        Metrics(notation, picker, limits, lacking),
    )
    buckets = BucketRules(notation, metrics, levels, places, values)
    charts = None if data_range is None else Charts(notation, metrics, data_range)
    groups = Groups(notation, picker, metrics, levels, buckets, charts).top()
    return Body(notation, picker, levels, places, limits).rule(groups, needed=data_range is not None)
