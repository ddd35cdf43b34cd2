"""Where Elasticsearch's parsers differ from the client's typed classes: what else they accept and what they refuse.

In: a dialect. Out: a table by place: ``query.NAME``, ``agg.NAME``, ``type.CLASS``,
``source.NAME`` (of a composite) or ``body``. Each entry changes what `schema.derivation` derives:

    "query.wildcard": Form(short=…)                       {"wildcard": {"f": "v*"}} besides the long form
    "agg.terms": Form(one_of=(("field", "script"),), …)   one of the two is required

The tables hold differences only. Each entry comes from a real body, or from a body that a real parser refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.language.schema import forms_aggregations as aggregations
from dstill_querydsl.language.schema import forms_body as body
from dstill_querydsl.language.schema import forms_pipelines as pipelines
from dstill_querydsl.language.schema import forms_queries as queries
from dstill_querydsl.language.schema.parts import Form

__all__ = ["DIALECTS", "forms"]

_BY_DIALECT: dict[str, dict[str, Form]] = {
    "elasticsearch9": aggregations.NO_INTERVAL,
    "elasticsearch8": {**aggregations.NO_INTERVAL, **queries.OLD_FORMS},
    "opensearch2": {**queries.OPENSEARCH2, **body.OPENSEARCH},
    "opensearch3": {**queries.OPENSEARCH3, **body.OPENSEARCH3},
}
DIALECTS = tuple(_BY_DIALECT)


def forms(dialect: str) -> Mapping[str, Form]:
    """The table of forms for one of `DIALECTS`."""
    return {**queries.FORMS, **aggregations.FORMS, **pipelines.FORMS, **body.FORMS, **_BY_DIALECT[dialect]}
