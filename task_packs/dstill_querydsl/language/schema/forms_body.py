"""Forms of the search body and of its hits: _source, fields, sort, highlight, collapse, rescore.

A table of `schema.parts.Form` by place; `schema.forms` merges the tables.
"""

from __future__ import annotations

from dstill_querydsl.language.schema.forms_names import DURATION
from dstill_querydsl.language.schema.parts import (
    BOOLEAN,
    LOOSE_TEXT,
    LOOSE_TEXTS,
    NOT_NEGATIVE,
    NUMBER,
    ORDER,
    QUERY,
    TEXT,
    TEXTS,
    Form,
    Table,
    closed,
    ref,
)
from dstill_querydsl.language.schema.shapes import (
    Shape,
    any_way,
    array,
    bare_number,
    literals,
    null,
    number,
    obj,
    union,
    with_extra,
)

__all__ = ["FORMS", "OPENSEARCH", "OPENSEARCH3"]

FORMS = Table()

# --- search body ------------------------------------------------------------------------

_PATHS = union(TEXTS, TEXT)
_SOURCE_FILTER = closed(
    "_source", includes=_PATHS, include=_PATHS, excludes=_PATHS, exclude=_PATHS, exclude_vectors=BOOLEAN
)
_SOURCE_OPTION = union(Shape(kinds=frozenset({"boolean"})), TEXT, LOOSE_TEXTS, _SOURCE_FILTER)
_FIELDS = array(union(LOOSE_TEXT, ref("type.FieldAndFormat")))
_HIGHLIGHTED = {"type": "object", "additionalProperties": {"$ref": "#/$defs/type.HighlightField"}}
_HIGHLIGHT_FIELDS = union(obj(_HIGHLIGHTED), array(obj({**_HIGHLIGHTED, "x-one": [], "x-what": "highlighted field"})))
FORMS.add("type.Highlight", Form(properties={"fields": _HIGHLIGHT_FIELDS}, required=()))
_HITS = {
    "_source": _SOURCE_OPTION,
    "fields": _FIELDS,
    "docvalue_fields": _FIELDS,
    "stored_fields": union(TEXT, LOOSE_TEXTS),
    "size": NOT_NEGATIVE,
    "from": NOT_NEGATIVE,
}
_INNER_COLLAPSE = closed("collapse", ("field",), field=TEXT, max_concurrent_group_searches=NUMBER)
FORMS.add("type.InnerHits", Form(properties={**_HITS, "collapse": _INNER_COLLAPSE}))
FORMS.add("type.FieldCollapse", Form(drop=frozenset({"collapse"})))
FORMS.add("agg.top_hits", Form(properties=_HITS, drop=frozenset({"field", "missing", "script"})))
FORMS.add("type.FieldAndFormat", Form(required=("field",)))
_SCORE_SORT = union(ORDER, ref("type.ScoreSort"))
FORMS.add("type.SortOptions", Form(short=ORDER, several=True, properties={"_score": _SCORE_SORT, "_doc": _SCORE_SORT}))
_RESCORE = closed(
    "rescore",
    (),
    ("query", "learning_to_rank", "script"),
    window_size=number(maximum=10_000),
    query=closed(
        "rescore query",
        ("rescore_query",),
        rescore_query=QUERY,
        query_weight=NUMBER,
        rescore_query_weight=NUMBER,
        score_mode=any_way(literals(["avg", "max", "min", "multiply", "total"])),
    ),
    learning_to_rank=obj(),
    script=obj(),
)
_BOOST = obj({"type": "object", "additionalProperties": bare_number().render(), "minProperties": 1, "maxProperties": 1})
_BOOSTS = obj({"type": "object", "additionalProperties": bare_number().render()})  # index → boost: the older form
_TAGS = with_extra(union(LOOSE_TEXTS, TEXT), minItems=1)
for _name in ("Highlight", "HighlightField"):
    FORMS.add(
        f"type.{_name}",
        Form(properties={"pre_tags": _TAGS, "post_tags": _TAGS}, needs={"pre_tags": ("post_tags",)}),
    )
FORMS.add(
    "body",
    Form(
        properties={
            **_HITS,
            "collapse": ref("type.FieldCollapse"),
            "query": QUERY,
            "post_filter": QUERY,
            "aggs": ref("aggregations"),
            "aggregations": ref("aggregations"),
            "min_score": NUMBER,
            "timeout": DURATION,
            "terminate_after": NUMBER,
            "track_total_hits": union(Shape(kinds=frozenset({"boolean"}), words=frozenset({"true", "false"})), NUMBER),
            "search_after": array(union(LOOSE_TEXT, null())),
            "profile": BOOLEAN,
            "stats": LOOSE_TEXTS,
            "project_routing": TEXT,
            "pit": obj(),
            "ext": obj(),
            "slice": closed("slice", ("max",), id=NUMBER, max=NUMBER, field=TEXT),
            "indices_boost": array(_BOOST),
            "knn": union(array(ref("query.knn")), ref("query.knn")),
            "rescore": union(array(_RESCORE), _RESCORE),
            "retriever": obj(),
            "rank": obj(),
            "suggest": obj(),
            "runtime_mappings": obj(),
        },
        drop=frozenset({"name", "ignore_unmapped", "field"}),
    ),
)

# Elasticsearch accepts `indices_boost` as a list only.
OPENSEARCH = Table({"body": FORMS["body"]})
OPENSEARCH.add("body", Form(properties={"indices_boost": union(array(_BOOST), _BOOSTS)}))
# OpenSearch 3 reads the names in a `_source` list strictly.
_STRICT_SOURCE = union(Shape(kinds=frozenset({"boolean"})), TEXT, TEXTS, _SOURCE_FILTER)
OPENSEARCH3 = Table({"body": OPENSEARCH["body"]})
OPENSEARCH3.add("body", Form(properties={"_source": _STRICT_SOURCE}))
