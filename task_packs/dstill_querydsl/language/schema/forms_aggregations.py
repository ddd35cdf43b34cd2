"""Forms of aggregations: where their parsers differ from the client's typed classes.

A table of `schema.parts.Form` by place; `schema.forms` merges the tables.
"""

from __future__ import annotations

from dataclasses import replace

from dstill_querydsl.language.schema.forms_names import CALENDAR, OFFSET, TIME_ZONE
from dstill_querydsl.language.schema.parts import (
    BOOLEAN,
    LOOSE_TEXT,
    NOT_NEGATIVE,
    NUMBER,
    ORDER,
    POSITIVE,
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
    pattern,
    union,
    with_extra,
)

__all__ = ["FORMS", "NO_INTERVAL"]

_FIXED = pattern(
    r"[0-9]+(nanos|micros|ms|s|m|h|d|D|H|S|MS|NANOS|MICROS)", "a number with ms, s, m, h or d, such as 30d"
)
_ADDRESS = r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*"
_DISTANCE = r"[0-9.]+\s*(mm|cm|m|km|in|ft|yd|mi|nmi|NM|miles|meters|kilometers)"
_MISSING_SOURCE = Form(one_of=(("field", "script"),))

_BUCKET_ORDER = obj({"type": "object", "additionalProperties": ORDER.render(), "minProperties": 1, "maxProperties": 1})

# The type to assume for a field that is not mapped; only OpenSearch knows unsigned_long.
_VALUE_TYPE = literals(
    [
        "string",
        "number",
        "numeric",
        "long",
        "integer",
        "short",
        "byte",
        "double",
        "float",
        "unsigned_long",
        "date",
        "ip",
        "boolean",
    ]
)
_SOURCE = Form(
    properties={
        "missing_bucket": BOOLEAN,
        "missing_order": any_way(literals(["first", "last", "default"])),
        "order": ORDER,
        "value_type": _VALUE_TYPE,
    },
    one_of=(("field", "script"),),
)
_VALUES = [
    "avg",
    "max",
    "min",
    "sum",
    "stats",
    "extended_stats",
    "value_count",
    "cardinality",
    "percentiles",
    "percentile_ranks",
    "median_absolute_deviation",
    "boxplot",
    "string_stats",
    "terms",
    "histogram",
    "date_histogram",
    "auto_date_histogram",
    "variable_width_histogram",
    "range",
    "date_range",
    "ip_range",
    "geohash_grid",
    "geotile_grid",
    "geohex_grid",
    "geo_distance",
    "geo_bounds",
    "geo_centroid",
    "missing",
    "rare_terms",
    "significant_terms",
]

# Metrics over numbers and dates. `missing` replaces a value of the field, so it is a number or looks like a date.
_METRICS = (
    "avg",
    "max",
    "min",
    "sum",
    "stats",
    "extended_stats",
    "percentiles",
    "percentile_ranks",
    "median_absolute_deviation",
    "boxplot",
)
_MISSING = union(NUMBER, Shape(kinds=frozenset({"boolean"})), pattern(r".*\d.*|now.*|true|false", "a number or a date"))

FORMS = Table({f"agg.{name}": _MISSING_SOURCE for name in _VALUES})

# --- aggregations -----------------------------------------------------------------------

_ORDERS = union(array(_BUCKET_ORDER), _BUCKET_ORDER)
for _name in _VALUES:
    FORMS.add(f"agg.{_name}", Form(properties={"value_type": _VALUE_TYPE}))
for _name in _METRICS:
    FORMS.add(f"agg.{_name}", Form(properties={"missing": _MISSING}))
for _name in ("terms", "multi_terms", "histogram", "date_histogram"):
    FORMS.add(f"agg.{_name}", Form(properties={"order": _ORDERS}))
for _name in (
    "terms", "multi_terms", "significant_terms", "significant_text", "geohash_grid", "geotile_grid", "geohex_grid"
):  # fmt: skip
    FORMS.add(f"agg.{_name}", Form(properties={"size": POSITIVE, "shard_size": POSITIVE}))
for _name in ("terms", "significant_terms", "significant_text"):
    # The engines ignore a hint that they do not know.
    FORMS.add(f"agg.{_name}", Form(properties={"execution_hint": TEXT}))
_INTERVALS = {
    "fixed_interval": _FIXED,
    "calendar_interval": CALENDAR,
    "offset": OFFSET,
    "time_zone": union(TIME_ZONE, bare_number()),
}
_EITHER = (("field", "script"), ("calendar_interval", "fixed_interval", "interval"))
FORMS.add("agg.date_histogram", Form(properties=_INTERVALS, one_of=_EITHER))
FORMS.add("agg.auto_date_histogram", Form(properties={"time_zone": union(TIME_ZONE, bare_number())}))
_STEP = number(exclusiveMinimum=0)
_BOUNDS = closed("bounds", min=union(NUMBER, null()), max=union(NUMBER, null()))
FORMS.add(
    "agg.histogram",
    Form(
        properties={"interval": _STEP, "offset": NUMBER, "extended_bounds": _BOUNDS, "hard_bounds": _BOUNDS},
        required=("interval",),
    ),
)
# A composite's sources accept fewer options than the aggregations of the same name.
_SOURCE_OPTIONS = {
    "terms": (),
    "histogram": ("interval",),
    "date_histogram": ("calendar_interval", "fixed_interval", "interval", "format", "offset", "time_zone"),
    "geotile_grid": ("precision", "bounds"),
}
for _name, _own in _SOURCE_OPTIONS.items():
    FORMS.add(f"source.{_name}", replace(_SOURCE, only=frozenset({"field", "script", *_own})))
FORMS.add("source.date_histogram", Form(properties=_INTERVALS, one_of=_EITHER))
FORMS.add("source.histogram", Form(properties={"interval": _STEP}, required=("interval",)))
_ONE_SOURCE = obj(
    {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/composite_source"},
    }
)
FORMS.add(
    "agg.composite",
    Form(
        properties={"sources": with_extra(union(array(_ONE_SOURCE), _ONE_SOURCE), minItems=1)},
        required=("sources",),
    ),
)
_NAMED_FILTERS = obj({"type": "object", "additionalProperties": QUERY.render(), "minProperties": 1})
_FILTERS = with_extra(union(array(QUERY), _NAMED_FILTERS), minItems=1)
FORMS.add("agg.filters", Form(properties={"filters": _FILTERS}, required=("filters",)))
FORMS.add("agg.adjacency_matrix", Form(properties={"filters": _NAMED_FILTERS}, required=("filters",)))
_END = union(NUMBER, null())
_DATE_END = union(TEXT, NUMBER, null())


def _ranges(end: Shape, key: Shape) -> Shape:
    return _one_or_more(closed("range", from_=end, to=end, key=key))


def _one_or_more(shape: Shape) -> Shape:
    return with_extra(union(array(shape), shape), minItems=1)


_KEY, _BARE_END = union(TEXT, bare_number()), union(bare_number(), null())
for _name, _end, _key in (("range", _END, _KEY), ("geo_distance", _BARE_END, TEXT), ("date_range", _DATE_END, _KEY)):
    FORMS.add(
        f"agg.{_name}",
        Form(properties={"ranges": _ranges(_end, _key), "keyed": BOOLEAN}, required=("ranges",)),
    )
FORMS.add("agg.geo_distance", Form(required=("origin", "ranges")))
for _name in ("date_range", "date_histogram"):
    FORMS.add(f"agg.{_name}", Form(properties={"format": with_extra(TEXT, minLength=1)}))
_IP_END = union(pattern(_ADDRESS, "an IP address"), null())
_MASK = pattern(rf"({_ADDRESS})/[0-9]{{1,3}}", "a network such as 10.0.0.0/8")
_IP_RANGE = closed("range", from_=_IP_END, to=_IP_END, mask=_MASK, key=TEXT)
FORMS.add("agg.ip_range", Form(properties={"ranges": _one_or_more(_IP_RANGE), "keyed": BOOLEAN}, required=("ranges",)))
FORMS.add("agg.ip_prefix", Form(properties={"min_doc_count": POSITIVE}))
FORMS.add("agg.nested", Form(required=("path",)))
FORMS.add("agg.significant_text", Form(required=("field",)))
FORMS.add("agg.diversified_sampler", Form(properties={"shard_size": NOT_NEGATIVE}, one_of=(("field", "script"),)))
FORMS.add("agg.sampler", Form(properties={"shard_size": NOT_NEGATIVE}))
FORMS.add("agg.random_sampler", Form(properties={"probability": number(exclusiveMinimum=0, maximum=1)}))
for _name in ("children", "parent"):
    FORMS.add(f"agg.{_name}", Form(required=("type",)))
FORMS.add("agg.weighted_avg", Form(required=("value", "weight")))
FORMS.add("agg.rare_terms", Form(properties={"max_doc_count": number(minimum=1, maximum=100)}))
FORMS.add("agg.matrix_stats", Form(properties={"fields": union(TEXTS, TEXT)}))
_TERM = ref("type.MultiTermLookup")
FORMS.add("agg.multi_terms", Form(properties={"terms": with_extra(array(_TERM), minItems=2)}, required=("terms",)))
FORMS.add(
    "type.MultiTermLookup", Form(properties={"field": with_extra(TEXT, minLength=1)}, one_of=(("field", "script"),))
)
FORMS.add("type.TopMetricsValue", Form(properties={"missing": LOOSE_TEXT}))
FORMS.add(
    "type.WeightedAverageValue",
    Form(properties={"field": with_extra(TEXT, minLength=1)}, one_of=(("field", "script"),)),
)
_PERCENT = number(minimum=0, maximum=100)
_PERCENTS = with_extra(union(array(_PERCENT), _PERCENT), minItems=1)
_RANKED = with_extra(union(array(NUMBER), NUMBER), minItems=1)
FORMS.add("agg.percentile_ranks", Form(properties={"values": _RANKED}, required=("values",)))
FORMS.add("agg.percentiles", Form(properties={"percents": _PERCENTS}, apart=(("hdr", "tdigest"),)))
FORMS.add("type.TDigest", Form(properties={"compression": NOT_NEGATIVE}))
FORMS.add("type.HdrMethod", Form(properties={"number_of_significant_value_digits": number(minimum=0, maximum=5)}))
FORMS.add("agg.median_absolute_deviation", Form(properties={"compression": number(exclusiveMinimum=0)}))
_LEVELS = union(number(minimum=1, maximum=12), pattern(_DISTANCE, "1 to 12, or a distance"))
FORMS.add("agg.geohash_grid", Form(properties={"precision": _LEVELS}))
_TILES = number(minimum=0, maximum=29)
for _place in ("agg.geotile_grid", "source.geotile_grid"):
    FORMS.add(_place, Form(properties={"precision": _TILES}))


# Elasticsearch 8 dropped `interval` from date_histogram, also as a composite's source.
NO_INTERVAL = Table(
    {
        place: replace(FORMS[place], drop=frozenset({"interval"}), one_of=(_EITHER[0], _EITHER[1][:2]))
        for place in ("agg.date_histogram", "source.date_histogram")
    }
)
