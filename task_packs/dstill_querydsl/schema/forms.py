"""What Elasticsearch's parsers take beyond the client's typed classes, and refuse within them.

In: a dialect. Out: a table by place: ``query.NAME``, ``agg.NAME``, ``type.CLASS``,
``source.NAME`` (of a composite) or ``body``. Each entry changes what `schema.derivation` derives:

    "query.wildcard": Form(short=…)                       {"wildcard": {"f": "v*"}} beside the long form
    "agg.terms": Form(one_of=(("field", "script"),), …)   one of the two must stand

Only what the classes leave open stands there. Every line is there because real bodies or a
real parser's refusals ask for it.
"""

from __future__ import annotations

from typing import Mapping

from dstill_querydsl.schema import forms_aggregations as aggregations
from dstill_querydsl.schema import forms_body as body
from dstill_querydsl.schema import forms_pipelines as pipelines
from dstill_querydsl.schema import forms_queries as queries
from dstill_querydsl.schema.parts import Form

__all__ = ["DIALECTS", "forms"]

_BY_DIALECT: dict[str, dict[str, Form]] = {
    "elasticsearch9": aggregations.NO_INTERVAL,
    "elasticsearch8": {**aggregations.NO_INTERVAL, **queries.OLD_FORMS},
    "opensearch2": {**queries.OPENSEARCH2, **body.OPENSEARCH},
    "opensearch3": {**queries.OPENSEARCH3, **body.OPENSEARCH3},
}
DIALECTS = tuple(_BY_DIALECT)


def forms(dialect: str) -> Mapping[str, Form]:
    """The table for one of `DIALECTS`."""
    return {**queries.FORMS, **aggregations.FORMS, **pipelines.FORMS, **body.FORMS, **_BY_DIALECT[dialect]}
