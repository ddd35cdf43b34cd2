"""Aggregations: what their parsers take beyond the typed classes, and refuse within them.

A table of `schema_parts.Form` by place; `schema_forms` puts the tables together.
"""

from __future__ import annotations

from dataclasses import replace

from dstill_querydsl.schema_parts import (
    BOOLEAN,
    LOOSE,
    NOT_NEGATIVE,
    NUMBER,
    ORDER,
    QUERY,
    TEXT,
    Form,
    Table,
    closed,
)
from dstill_querydsl.schema_shapes import (
    Shape,
    array,
    literals,
    null,
    number,
    obj,
    pattern,
    union,
    with_extra,
)

__all__ = ["FORMS", "NO_INTERVAL"]

_POSITIVE = number(minimum=1)
_CALENDAR = pattern(
    "second|1s|minute|1m|hour|1h|day|1d|week|1w|month|1M|quarter|1q|year|1y",
    "a calendar interval: minute, hour, day, week, month, quarter or year, or 1m, 1h, 1d …",
)
_FIXED = pattern(r"[0-9]+(nanos|micros|ms|s|m|h|d|D|H|S|MS|NANOS|MICROS)", "a number with ms, s, m, h or d, as 30d")
_DISTANCE = r"[0-9.]+\s*(mm|cm|m|km|in|ft|yd|mi|nmi|NM|miles|meters|kilometers)"
_MISSING_SOURCE = Form(one_of=(("field", "script"),))

_BUCKET_ORDER = obj({"type": "object", "additionalProperties": ORDER.render(), "minProperties": 1, "maxProperties": 1})

_PIPELINES = [
    "avg_bucket",
    "max_bucket",
    "min_bucket",
    "sum_bucket",
    "stats_bucket",
    "extended_stats_bucket",
    "percentiles_bucket",
    "derivative",
    "cumulative_sum",
    "cumulative_cardinality",
    "serial_diff",
    "moving_fn",
    "moving_percentiles",
    "normalize",
    "bucket_script",
    "bucket_selector",
]
_SOURCE = Form(
    properties={
        "missing_bucket": BOOLEAN,
        "missing_order": literals(["first", "last", "default"]),
        "order": ORDER,
        "value_type": TEXT,
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

FORMS = Table({f"agg.{name}": _MISSING_SOURCE for name in _VALUES})

# --- aggregations -----------------------------------------------------------------------

_ORDERS = union(array(_BUCKET_ORDER), _BUCKET_ORDER)
for _name in _VALUES:
    FORMS.add(f"agg.{_name}", Form(properties={"value_type": TEXT}))
for _name in ("terms", "multi_terms", "histogram"):
    FORMS.add(f"agg.{_name}", Form(properties={"order": _ORDERS}))
_INTERVALS = {"fixed_interval": _FIXED, "calendar_interval": _CALENDAR}
FORMS.add("agg.date_histogram", Form(properties={"order": _ORDERS, **_INTERVALS}))
for _name in ("terms", "histogram", "geotile_grid"):
    FORMS.add(f"source.{_name}", _SOURCE)
FORMS.add("source.date_histogram", replace(_SOURCE, properties={**_SOURCE.properties, **_INTERVALS}))
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
_FILTERS = union(array(QUERY), obj({"type": "object", "additionalProperties": QUERY.render()}))
_NAMED_FILTERS = obj({"type": "object", "additionalProperties": QUERY.render()})
FORMS.add("agg.filters", Form(properties={"filters": _FILTERS}, required=("filters",)))
FORMS.add("agg.adjacency_matrix", Form(properties={"filters": _NAMED_FILTERS}))
_END = union(NUMBER, null())
_DATE_END = union(TEXT, NUMBER, null())


def _ranges(end: Shape) -> Shape:
    one = closed("range", from_=end, to=end, key=TEXT)
    return union(array(one), one)


for _name, _end in (("range", _END), ("geo_distance", _END), ("date_range", _DATE_END)):
    FORMS.add(
        f"agg.{_name}",
        Form(properties={"ranges": _ranges(_end), "keyed": BOOLEAN}, required=("ranges",)),
    )
_IP_RANGE = closed("range", from_=_DATE_END, to=_DATE_END, mask=TEXT, key=TEXT)
FORMS.add("agg.ip_range", Form(properties={"ranges": union(array(_IP_RANGE), _IP_RANGE), "keyed": BOOLEAN}))
FORMS.add("agg.derivative", Form(properties={"unit": TEXT}))
FORMS.add("type.TopMetricsValue", Form(properties={"missing": LOOSE}))
FORMS.add(
    "type.WeightedAverageValue",
    Form(properties={"field": with_extra(TEXT, minLength=1)}, one_of=(("field", "script"),)),
)
FORMS.add("agg.extended_stats", Form(properties={"sigma": NOT_NEGATIVE}))
_PERCENT = number(minimum=0, maximum=100)
_PERCENTS = with_extra(union(array(_PERCENT), _PERCENT), minItems=1)
FORMS.add("agg.percentiles_bucket", Form(properties={"percents": _PERCENTS}))
FORMS.add("agg.percentiles", Form(properties={"percents": _PERCENTS}, apart=(("hdr", "tdigest"),)))
FORMS.add("type.TDigest", Form(properties={"compression": NOT_NEGATIVE}))
FORMS.add("type.HdrMethod", Form(properties={"number_of_significant_value_digits": number(minimum=0, maximum=5)}))
FORMS.add("agg.median_absolute_deviation", Form(properties={"compression": number(exclusiveMinimum=0)}))
FORMS.add("agg.moving_fn", Form(properties={"window": _POSITIVE}))
FORMS.add(
    "agg.geohash_grid", Form(properties={"precision": union(NUMBER, pattern(_DISTANCE, "1 to 12, or a distance"))})
)
for _name in _PIPELINES:
    FORMS.add(f"agg.{_name}", Form(required=("buckets_path",)))


# Elasticsearch 8 dropped it; a composite's date_histogram likewise.
NO_INTERVAL = Table(
    {
        place: replace(FORMS[place], drop=frozenset({"interval"}))
        for place in ("agg.date_histogram", "source.date_histogram")
    }
)
