"""What Elasticsearch's parsers take beyond the client's typed classes, and refuse within them.

A table by place: ``query.NAME``, ``agg.NAME``, ``type.CLASS``, ``source.NAME`` (of a composite)
or ``body``. Each entry changes what `schema_document` derives:

    "query.term": Form(short=…)                      {"term": {"f": "v"}} beside {"term": {"f": {"value": "v"}}}
    "agg.date_histogram": Form(one_of=(("field", "script"),))

Only what the classes leave open stands here. Every line is there because real bodies or a
real parser's refusals ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from dstill_querydsl.schema_shapes import (
    Schema,
    Shape,
    anything,
    array,
    boolean,
    literals,
    null,
    number,
    obj,
    pattern,
    text,
    union,
    with_extra,
)

__all__ = ["Form", "forms", "ref", "score_function"]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How one place differs from its typed class."""

    properties: Mapping[str, Shape] = field(default_factory=dict)  # added or replaced
    drop: frozenset[str] = frozenset()  # in the class, but not in the parser
    required: tuple[str, ...] | None = None  # instead of what the class's text calls required
    one_of: tuple[tuple[str, ...], ...] = ()  # of each group at least one
    one_key: bool = False  # exactly one key beside boost and _name
    value: Shape | None = None  # of a field's entry, instead of the class's
    short: Shape | None = None  # of a field's entry, beside the class's
    loose: bool | None = None  # whether the parser is loose about text; None: queries are, the rest is not
    several: bool = False  # several fields may stand side by side
    apart: tuple[tuple[str, ...], ...] = ()  # where the first of a group stands, the others may not


def ref(name: str) -> Shape:
    return obj({"$ref": f"#/$defs/{name}"})


def _closed(what: str, required: tuple[str, ...] = (), **properties: Shape) -> Shape:
    rendered = {name.rstrip("_"): shape.render() for name, shape in properties.items()}
    schema: Schema = {"type": "object", "x-what": what, "properties": rendered, "additionalProperties": False}
    return obj(schema | ({"required": list(required)} if required else {}))


_TEXT = text(loose=False)
_LOOSE = text(loose=True)
_TEXTS = array(_TEXT)
_LOOSE_TEXTS = array(_LOOSE)
_NUMBER = number()
_BOOLEAN = boolean()
_QUERY = ref("query")
_QUERIES = union(array(_QUERY), _QUERY)
_SPAN = ref("span")
_SCALAR = _LOOSE
_BOUND = union(_LOOSE, null(), array(anything()))  # a list is read, and is then no value of any field
_ORDER = literals(["asc", "desc", "ASC", "DESC"])
_OPERATOR = literals(["and", "or", "AND", "OR"])
_NOT_NEGATIVE = number(minimum=0)
_POSITIVE = number(minimum=1)
_UNIT = "(1?(s|second|m|minute|h|hour|d|day|w|week|M|month|q|quarter|y|year))"
_CALENDAR = pattern(
    f"{_UNIT}|1?(1s|1m|1h|1d|1w|1M|1q|1y)",
    "a calendar interval: minute, hour, day, week, month, quarter or year, or 1 of them",
)
_FIXED = pattern(r"-?[0-9]+(nanos|micros|ms|s|m|h|d|D|H|S|MS|NANOS|MICROS)", "a number with ms, s, m, h or d, as 30d")
_DISTANCE = r"[0-9.]+\s*(mm|cm|m|km|in|ft|yd|mi|nmi|NM|miles|meters|kilometers)"
_MISSING_SOURCE = Form(one_of=(("field", "script"),))

_range = {name: _BOUND for name in ("gt", "gte", "lt", "lte")}
_RELATION = literals(word for name in ("within", "contains", "intersects") for word in (name, name.upper()))
_RANGE = _closed(
    "range",
    **_range,
    format=_LOOSE,
    time_zone=_LOOSE,
    relation=_RELATION,
    boost=_NUMBER,
    _name=_LOOSE,
)
_BUCKET_ORDER = obj({"type": "object", "additionalProperties": _ORDER.render(), "minProperties": 1, "maxProperties": 1})

_DECAY = obj(
    {
        "type": "object",
        "properties": {"multi_value_mode": literals(["min", "max", "avg", "sum"]).render()},
        "additionalProperties": _closed(
            "decay", ("scale",), origin=anything(), scale=anything(), offset=anything(), decay=_NUMBER
        ).render(),
        "x-one": ["multi_value_mode"],
        "x-what": "decay",
    }
)
_FUNCTIONS = {
    "random_score": _closed("random_score", seed=_SCALAR, field=_LOOSE),
    "field_value_factor": _closed(
        "field_value_factor",
        ("field",),
        field=_LOOSE,
        factor=_NUMBER,
        missing=_NUMBER,
        modifier=literals(
            ["none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"],
        ),
    ),
    "script_score": _closed("script_score", ("script",), script=ref("script")),
    "linear": _DECAY,
    "gauss": _DECAY,
    "exp": _DECAY,
    "weight": _NUMBER,
}


def score_function(names: list[str]) -> Schema:
    """One entry of ``function_score.functions``; `names` are those that the client knows."""
    known = {name: shape.render() for name, shape in _FUNCTIONS.items() if name == "weight" or name in names}
    return {
        "type": "object",
        "x-what": "score function",
        "properties": {"filter": _QUERY.render(), **known},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in known],
        "dependentSchemas": {one: {"properties": dict.fromkeys(others, {"not": {}})} for one, *others in _APART},
    }


_FUNCTION_NAMES = tuple(name for name in _FUNCTIONS if name != "weight")
_APART = tuple((name, *(other for other in _FUNCTION_NAMES if other != name)) for name in _FUNCTION_NAMES)
_ALONE = tuple((name, *(other for other in (*_FUNCTIONS, "functions") if other != name)) for name in _FUNCTIONS)
_PIPELINES = (
    "avg_bucket max_bucket min_bucket sum_bucket stats_bucket extended_stats_bucket percentiles_bucket "
    "derivative cumulative_sum cumulative_cardinality serial_diff moving_fn moving_percentiles normalize "
    "bucket_script bucket_selector"
).split()
_SOURCE = Form(
    properties={
        "missing_bucket": _BOOLEAN,
        "missing_order": literals(["first", "last", "default"]),
        "order": _ORDER,
        "value_type": _TEXT,
    },
    one_of=(("field", "script"),),
)
_VALUES = (
    "avg max min sum stats extended_stats value_count cardinality percentiles percentile_ranks "
    "median_absolute_deviation boxplot string_stats terms histogram date_histogram auto_date_histogram "
    "variable_width_histogram range date_range ip_range geohash_grid geotile_grid geohex_grid geo_distance "
    "geo_bounds geo_centroid missing rare_terms significant_terms"
).split()

FORMS: dict[str, Form] = {f"agg.{name}": _MISSING_SOURCE for name in _VALUES}


def _add(place: str, form: Form) -> None:
    """A form for a place, keeping what the loops above already said of it."""
    known = FORMS.get(place, Form())
    properties = {**known.properties, **form.properties}
    FORMS[place] = replace(form, properties=properties, one_of=form.one_of or known.one_of)


# --- queries ----------------------------------------------------------------------------

_add(
    "query.bool",
    Form(
        properties={c: _QUERIES for c in ("filter", "must", "must_not", "should")}
        | {"minimum_should_match": union(_NUMBER, _TEXT, null())}
    ),
)
_add("query.range", Form(value=_RANGE))
_add("query.terms", Form(value=union(array(union(_LOOSE, obj())), ref("terms_lookup"))))
_ID = with_extra(_LOOSE, minLength=1)
_add("query.ids", Form(properties={"values": union(array(_ID), _LOOSE)}, required=("values",)))
_add("query.match_all", Form(loose=False))
_add("query.distance_feature", Form(properties={"origin": union(array(_NUMBER), _LOOSE, obj())}))
_add("type.RegexpQuery", Form(properties={"value": with_extra(_LOOSE, maxLength=1000)}))
_add("query.exists", Form(properties={"field": with_extra(_LOOSE, minLength=1)}))
_add("query.wrapper", Form(required=("query",)))
_add("query.function_score", Form(properties={**_FUNCTIONS, "functions": array(ref("score_function"))}, apart=_ALONE))
_add("query.multi_match", Form(properties={"operator": _OPERATOR}))
_add("type.MatchQuery", Form(properties={"operator": _OPERATOR}))
_add("type.MatchBoolPrefixQuery", Form(properties={"operator": _OPERATOR}))
for _name in ("query_string", "simple_query_string"):
    _add(f"query.{_name}", Form(properties={"default_operator": _OPERATOR}))
_add("query.query_string", Form(properties={"default_operator": _OPERATOR, "fields": _LOOSE_TEXTS}))
_add("type.TermQuery", Form(properties={"value": _SCALAR}, required=("value",)))
_add("type.WildcardQuery", Form(one_of=(("value", "wildcard"),)))
_add("query.wildcard", Form(short=_SCALAR))
_add("type.Script", Form(one_of=(("source", "id"),), properties={"lang": _TEXT}))
_add("query.span_not", Form(apart=(("dist", "pre", "post"),)))
_add("query.knn", Form(properties={"inner_hits": ref("type.InnerHits")}))
_add(
    "type.LatLonGeoLocation|GeoHashLocation",
    Form(properties={"type": _TEXT, "coordinates": array(_NUMBER)}, one_of=(("lat", "geohash", "type"),)),
)

# --- intervals: containers of one rule --------------------------------------------------

for _name in ("IntervalsQuery", "IntervalsContainer", "IntervalsFilter"):
    _add(f"type.{_name}", Form(one_key=True, loose=False))

# --- aggregations -----------------------------------------------------------------------

_ORDERS = union(array(_BUCKET_ORDER), _BUCKET_ORDER)
for _name in _VALUES:
    _add(f"agg.{_name}", Form(properties={"value_type": _TEXT}))
for _name in ("terms", "multi_terms", "histogram"):
    _add(f"agg.{_name}", Form(properties={"order": _ORDERS}))
_INTERVALS = {"fixed_interval": _FIXED, "calendar_interval": _CALENDAR}
_add("agg.date_histogram", Form(properties={"order": _ORDERS, **_INTERVALS}))
for _name in ("terms", "histogram", "geotile_grid"):
    _add(f"source.{_name}", _SOURCE)
_add("source.date_histogram", replace(_SOURCE, properties={**_SOURCE.properties, **_INTERVALS}))
_ONE_SOURCE = obj(
    {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/composite_source"},
    }
)
_add(
    "agg.composite",
    Form(
        properties={"sources": with_extra(union(array(_ONE_SOURCE), _ONE_SOURCE), minItems=1)},
        required=("sources",),
    ),
)
_FILTERS = union(array(_QUERY), obj({"type": "object", "additionalProperties": _QUERY.render()}))
_NAMED_FILTERS = obj({"type": "object", "additionalProperties": _QUERY.render()})
_add("agg.filters", Form(properties={"filters": _FILTERS}, required=("filters",)))
_add("agg.adjacency_matrix", Form(properties={"filters": _NAMED_FILTERS}))
_END = union(_NUMBER, null())
_DATE_END = union(_TEXT, _NUMBER, null())


def _ranges(end: Shape) -> Shape:
    one = _closed("range", from_=end, to=end, key=_TEXT)
    return union(array(one), one)


for _name, _end in (("range", _END), ("geo_distance", _END), ("date_range", _DATE_END)):
    _add(
        f"agg.{_name}",
        Form(properties={"ranges": _ranges(_end), "keyed": _BOOLEAN}, required=("ranges",)),
    )
_IP_RANGE = _closed("range", from_=_DATE_END, to=_DATE_END, mask=_TEXT, key=_TEXT)
_add("agg.ip_range", Form(properties={"ranges": union(array(_IP_RANGE), _IP_RANGE), "keyed": _BOOLEAN}))
_add("agg.derivative", Form(properties={"unit": _TEXT}))
_add("type.TopMetricsValue", Form(properties={"missing": _LOOSE}))
_add(
    "type.WeightedAverageValue",
    Form(properties={"field": with_extra(_TEXT, minLength=1)}, one_of=(("field", "script"),)),
)
_add("agg.extended_stats", Form(properties={"sigma": _NOT_NEGATIVE}))
_PERCENT = number(minimum=0, maximum=100)
_PERCENTS = with_extra(union(array(_PERCENT), _PERCENT), minItems=1)
_add("agg.percentiles_bucket", Form(properties={"percents": _PERCENTS}))
_add("agg.percentiles", Form(properties={"percents": _PERCENTS}, apart=(("hdr", "tdigest"),)))
_add("type.TDigest", Form(properties={"compression": _NOT_NEGATIVE}))
_add("type.HdrMethod", Form(properties={"number_of_significant_value_digits": number(minimum=0, maximum=5)}))
_add("agg.median_absolute_deviation", Form(properties={"compression": number(exclusiveMinimum=0)}))
_add("agg.moving_fn", Form(properties={"window": _POSITIVE}))
_add("agg.geohash_grid", Form(properties={"precision": union(_NUMBER, pattern(_DISTANCE, "1 to 12, or a distance"))}))
for _name in _PIPELINES:
    _add(f"agg.{_name}", Form(required=("buckets_path",)))

# --- search body ------------------------------------------------------------------------

_PATHS = union(_TEXTS, _TEXT)
_SOURCE_FILTER = _closed(
    "_source", includes=_PATHS, include=_PATHS, excludes=_PATHS, exclude=_PATHS, exclude_vectors=_BOOLEAN
)
_SOURCE_OPTION = union(Shape(kinds=frozenset({"boolean"})), _TEXT, _LOOSE_TEXTS, _SOURCE_FILTER)
_FIELDS = array(union(_LOOSE, ref("type.FieldAndFormat")))
_HIGHLIGHTED = {"type": "object", "additionalProperties": {"$ref": "#/$defs/type.HighlightField"}}
_HIGHLIGHT_FIELDS = union(obj(_HIGHLIGHTED), array(obj({**_HIGHLIGHTED, "x-one": [], "x-what": "highlighted field"})))
_add("type.Highlight", Form(properties={"fields": _HIGHLIGHT_FIELDS}, required=()))
_HITS = {
    "_source": _SOURCE_OPTION,
    "fields": _FIELDS,
    "docvalue_fields": _FIELDS,
    "stored_fields": union(_TEXT, _LOOSE_TEXTS),
    "size": _NOT_NEGATIVE,
    "from": _NOT_NEGATIVE,
}
_INNER_COLLAPSE = _closed("collapse", ("field",), field=_TEXT, max_concurrent_group_searches=_NUMBER)
_add("type.InnerHits", Form(properties={**_HITS, "collapse": _INNER_COLLAPSE}))
_add("type.FieldCollapse", Form(drop=frozenset({"collapse"})))
_add("agg.top_hits", Form(properties=_HITS, drop=frozenset({"field", "missing", "script"})))
_add("type.FieldAndFormat", Form(required=("field",)))
_SCORE_SORT = union(_ORDER, ref("type.ScoreSort"))
_add("type.SortOptions", Form(short=_ORDER, several=True, properties={"_score": _SCORE_SORT, "_doc": _SCORE_SORT}))
_RESCORE = _closed(
    "rescore",
    window_size=number(maximum=10_000),
    query=_closed(
        "rescore query",
        ("rescore_query",),
        rescore_query=_QUERY,
        query_weight=_NUMBER,
        rescore_query_weight=_NUMBER,
        score_mode=literals(["avg", "max", "min", "multiply", "total"]),
    ),
    learning_to_rank=obj(),
    script=obj(),
)
_BOOST = obj({"type": "object", "additionalProperties": _NUMBER.render()})
_add(
    "body",
    Form(
        properties={
            **_HITS,
            "collapse": ref("type.FieldCollapse"),
            "query": _QUERY,
            "post_filter": _QUERY,
            "aggs": ref("aggregations"),
            "aggregations": ref("aggregations"),
            "min_score": _NUMBER,
            "timeout": _TEXT,
            "terminate_after": _NUMBER,
            "track_total_hits": union(Shape(kinds=frozenset({"boolean"}), words=frozenset({"true", "false"})), _NUMBER),
            "search_after": array(union(_LOOSE, null())),
            "profile": _BOOLEAN,
            "stats": _LOOSE_TEXTS,
            "project_routing": _TEXT,
            "pit": obj(),
            "ext": obj(),
            "slice": _closed("slice", ("max",), id=_NUMBER, max=_NUMBER, field=_TEXT),
            "indices_boost": union(array(_BOOST), _BOOST),
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

# --- dialects: what one of them takes or refuses ----------------------------------------

_OLD_RANGE = _closed(
    "range",
    **_range,
    **{name: _BOUND for name in ("from", "to")},
    **{name: _BOOLEAN for name in ("include_lower", "include_upper")},
    format=_LOOSE,
    time_zone=_LOOSE,
    relation=_RELATION,
    boost=_NUMBER,
    _name=_LOOSE,
)
_NO_INTERVAL = {
    f"{kind}.date_histogram": replace(FORMS[f"{kind}.date_histogram"], drop=frozenset({"interval"}))
    for kind in ("agg", "source")
}
_OLD = {"query.range": Form(value=_OLD_RANGE)}
_BY_DIALECT: dict[str, dict[str, Form]] = {
    "elasticsearch9": _NO_INTERVAL,
    "elasticsearch8": {**_NO_INTERVAL, **_OLD},
    "opensearch2": _OLD,
    "opensearch3": _OLD,
}


def forms(dialect: str) -> Mapping[str, Form]:
    """The table for one dialect."""
    return {**FORMS, **_BY_DIALECT[dialect]}
