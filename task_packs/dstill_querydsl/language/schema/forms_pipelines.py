"""Forms of pipeline aggregations, which compute with the results of other aggregations.

A table of `schema.parts.Form` by place; `schema.forms` merges the tables.
"""

from __future__ import annotations

from dstill_querydsl.language.schema.forms_names import CALENDAR, DURATION
from dstill_querydsl.language.schema.parts import NOT_NEGATIVE, POSITIVE, TEXT, Form, Table
from dstill_querydsl.language.schema.shapes import array, number, obj, union, with_extra

__all__ = ["FORMS"]

FORMS = Table()
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
_PATHS = with_extra(union(TEXT, array(TEXT)), minItems=1)
for _name in _PIPELINES:
    FORMS.add(f"agg.{_name}", Form(properties={"buckets_path": _PATHS}, required=("buckets_path",)))
for _name in ("moving_fn", "moving_percentiles"):
    FORMS.add(f"agg.{_name}", Form(properties={"buckets_path": TEXT}))
FORMS.add("agg.moving_fn", Form(required=("buckets_path", "script", "window")))
_NAMED_PATHS = union(_PATHS, obj({"type": "object", "additionalProperties": TEXT.render()}))
for _name in ("bucket_script", "bucket_selector"):
    FORMS.add(f"agg.{_name}", Form(properties={"buckets_path": _NAMED_PATHS}, required=("buckets_path", "script")))
FORMS.add("agg.bucket_sort", Form(properties={"from": NOT_NEGATIVE, "size": POSITIVE}))
FORMS.add("agg.derivative", Form(properties={"unit": union(DURATION, CALENDAR)}))
FORMS.add("agg.percentiles_bucket", Form(properties={"percents": array(number(minimum=0, maximum=100))}))
