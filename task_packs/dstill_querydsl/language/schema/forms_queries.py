"""Forms of queries: where their parsers differ from the client's typed classes.

A table of `schema.parts.Form` by place; `schema.forms` merges the tables.
"""

from __future__ import annotations

from dstill_querydsl.language.query_forms import BOUNDS
from dstill_querydsl.language.schema.forms_names import DISTANCE, MINIMUM, TIME_ZONE, any_case
from dstill_querydsl.language.schema.forms_scores import ALONE, FUNCTION_SCORE_MODE, FUNCTIONS
from dstill_querydsl.language.schema.parts import (
    BOOLEAN,
    BOOST,
    LOOSE_TEXT,
    LOOSE_TEXTS,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    QUERIES,
    QUERY,
    SCALAR,
    TEXT,
    Form,
    Table,
    closed,
    ref,
)
from dstill_querydsl.language.schema.shapes import (
    JsonSchema,
    Shape,
    any_way,
    anything,
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

__all__ = ["COORDINATES", "FORMS", "OLD_FORMS", "OPENSEARCH2", "OPENSEARCH3"]

FORMS = Table()

_ONE_BOUND = union(LOOSE_TEXT, null())
_BOUND = union(_ONE_BOUND, array(anything()))  # the parser accepts a list, though no field has such a value
_OPERATOR = any_way(literals(["and", "or"]))
_RELATION = any_way(literals(["within", "contains", "intersects"]))
_FORMAT = with_extra(union(TEXT, bare_number()), minLength=1)


def _range(*bounds: str, bound: Shape = _BOUND, **more: Shape) -> Shape:
    ends = dict.fromkeys(bounds, bound)
    rest = {"format": _FORMAT, "time_zone": TIME_ZONE, "relation": _RELATION, "boost": BOOST, "_name": LOOSE_TEXT}
    return closed("range", **ends, **more, **rest)


# --- queries ----------------------------------------------------------------------------

FORMS.add(
    "query.bool",
    Form(
        properties=dict.fromkeys(("filter", "must", "must_not", "should"), QUERIES) | {"minimum_should_match": MINIMUM},
        loose=False,
    ),
)
FORMS.add("query.range", Form(value=_range("gt", "gte", "lt", "lte")))
FORMS.add("query.terms", Form(value=union(array(union(LOOSE_TEXT, obj())), ref("terms_lookup"))))
_ID = with_extra(LOOSE_TEXT, minLength=1)
FORMS.add("query.ids", Form(properties={"values": union(array(_ID), LOOSE_TEXT)}, required=("values",)))
# The parsers of these are declarative and do not accept a number where a string is expected.
for _name in ("match_all", "distance_feature", "rank_feature", "combined_fields", "ids", "knn", "script_score"):
    FORMS.add(f"query.{_name}", Form(loose=False))
_POINT = with_extra(array(bare_number()), minItems=2, maxItems=2)
_PLACE = closed("place", ("lat", "lon"), lat=NUMBER, lon=NUMBER)
FORMS.add(
    "query.distance_feature", Form(properties={"origin": union(_POINT, TEXT, bare_number(), _PLACE), "pivot": TEXT})
)
FORMS.add("query.combined_fields", Form(properties={"fields": with_extra(union(LOOSE_TEXTS, TEXT), minItems=1)}))
_DISJUNCTION = with_extra(union(array(QUERY), QUERY), minItems=1)
FORMS.add("query.dis_max", Form(properties={"queries": _DISJUNCTION, "tie_breaker": number(minimum=0, maximum=1)}))
_REGEXP_FLAGS = any_case(
    "all", "anystring", "automaton", "complement", "empty", "intersection", "interval", "none", "complement"
)
FORMS.add(
    "type.RegexpQuery",
    Form(
        properties={
            "value": with_extra(LOOSE_TEXT, maxLength=1000),
            "flags": union(
                pattern(rf"(({_REGEXP_FLAGS})(\|({_REGEXP_FLAGS}))*)?", "flags such as INTERSECTION|INTERVAL"), null()
            ),
        }
    ),
)
for _name in ("MatchPhraseQuery", "MatchPhrasePrefixQuery"):
    FORMS.add(f"type.{_name}", Form(properties={"slop": NOT_NEGATIVE}))
FORMS.add("type.MatchPhrasePrefixQuery", Form(properties={"max_expansions": NOT_NEGATIVE}))
FORMS.add("query.multi_match", Form(properties={"slop": NOT_NEGATIVE}))
_TEXT_FLAGS = any_case(
    "all", "and", "escape", "fuzzy", "near", "none", "not", "or", "phrase", "precedence", "prefix", "slop", "whitespace"
)
FORMS.add(
    "query.simple_query_string",
    Form(
        properties={
            "flags": union(
                bare_number(), pattern(rf"(({_TEXT_FLAGS})(\|({_TEXT_FLAGS}))*)?", "flags such as OR|AND|PREFIX")
            )
        }
    ),
)
FORMS.add("query.exists", Form(properties={"field": with_extra(LOOSE_TEXT, minLength=1)}))
_BASE64 = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"
FORMS.add(
    "query.wrapper",
    Form(
        properties={"query": pattern(_BASE64, "a query in base64")},
        required=("query",),
        drop=frozenset({"boost", "_name"}),
    ),
)
_SCRIPT = ref("type.Script")  # script_score accepts the long form only
FORMS.add("query.script_score", Form(properties={"script": _SCRIPT}))
FORMS.add(
    "query.function_score",
    Form(
        properties={**FUNCTIONS, "functions": array(ref("score_function")), "score_mode": FUNCTION_SCORE_MODE},
        apart=ALONE,
    ),
)
FORMS.add("query.multi_match", Form(properties={"operator": _OPERATOR}))
FORMS.add("type.MatchQuery", Form(properties={"operator": _OPERATOR}))
FORMS.add("type.MatchBoolPrefixQuery", Form(properties={"operator": _OPERATOR}))
for _name in ("query_string", "simple_query_string"):
    FORMS.add(f"query.{_name}", Form(properties={"default_operator": _OPERATOR}))
FORMS.add("query.query_string", Form(properties={"default_operator": _OPERATOR, "fields": LOOSE_TEXTS}))
FORMS.add("type.TermQuery", Form(properties={"value": SCALAR}, required=("value",)))
FORMS.add("type.WildcardQuery", Form(one_of=(("value", "wildcard"),)))
FORMS.add("type.WildcardQuery", Form(properties={"rewrite": union(LOOSE_TEXT, null())}))
FORMS.add("query.wildcard", Form(short=SCALAR))
FORMS.add("type.Script", Form(one_of=(("source", "id"),), properties={"lang": TEXT}))
FORMS.add("type.SpanTermQuery", Form(properties={"value": SCALAR}, required=("value",)))
_SPANS = with_extra(array(ref("span")), minItems=1)
for _name in ("span_near", "span_or"):
    FORMS.add(f"query.{_name}", Form(properties={"clauses": _SPANS}))
FORMS.add("query.span_first", Form(properties={"end": NOT_NEGATIVE}))
FORMS.add("query.span_field_masking", Form(properties={"field": with_extra(LOOSE_TEXT, minLength=1)}))
FORMS.add("query.span_not", Form(apart=(("dist", "pre", "post"),)))
FORMS.add(
    "query.knn",
    Form(
        properties={"inner_hits": ref("type.InnerHits"), "k": POSITIVE, "num_candidates": POSITIVE},
        one_of=(("query_vector", "query_vector_builder"),),
    ),
)
_SEVERAL = with_extra(union(LOOSE_TEXTS, LOOSE_TEXT), minItems=1)
FORMS.add("query.more_like_this", Form(properties={"fields": _SEVERAL}))
FORMS.add("query.geo_distance", Form(properties={"distance": DISTANCE}))
FORMS.add(
    "type.LatLonGeoLocation|GeoHashLocation",
    Form(
        properties={"type": TEXT, "coordinates": array(NUMBER)},
        one_of=(("lat", "geohash", "type"), ("lon", "geohash", "type")),  # lat and lon, or one of the others
    ),
)

# --- shapes -----------------------------------------------------------------------------

_SHAPE_NAMES = any_case(
    "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
    "envelope", "circle", "bbox",
)  # fmt: skip
_WKT = pattern(rf"\s*({_SHAPE_NAMES})\s*(Z\s*)?(\(.*|EMPTY\s*)", "a shape such as POINT (30 10)")
_GEOJSON: JsonSchema = {
    "type": "object",
    "x-what": "shape",
    "properties": {
        "type": pattern(_SHAPE_NAMES, "a kind of shape: point, polygon, envelope …").render(),
        "coordinates": {"$ref": "#/$defs/coordinates"},
    },
    "required": ["type"],
    "anyOf": [{"required": ["coordinates"]}, {"required": ["geometries"]}],
}
_SHAPE = Form(properties={"shape": union(obj(_GEOJSON), _WKT)}, one_of=(("shape", "indexed_shape"),))
for _name in ("GeoShapeFieldQuery", "ShapeFieldQuery"):
    FORMS.add(f"type.{_name}", _SHAPE)
# Lists of numbers, nested to any depth.
COORDINATES: JsonSchema = {
    "type": "array",
    "title": "lists of numbers",
    "minItems": 1,
    "items": {"type": ["number", "array"], "if": {"type": "array"}, "then": {"$ref": "#/$defs/coordinates"}},
}

# --- intervals: containers of one rule --------------------------------------------------

for _name in ("IntervalsQuery", "IntervalsContainer", "IntervalsFilter"):
    FORMS.add(f"type.{_name}", Form(one_key=True, loose=False))


# --- older parsers, which also accept the bounds of a range under their Lucene names ------

_INCLUDED = {"include_lower": BOOLEAN, "include_upper": BOOLEAN}
OLD_FORMS = Table({"query.range": Form(value=_range(*BOUNDS, **_INCLUDED))})
_VALUE_OR_VALUES = Form(properties={"value": union(SCALAR, array(anything()))}, required=("value",))
OPENSEARCH2 = Table({**OLD_FORMS, "type.TermQuery": _VALUE_OR_VALUES, "query.term": Form(short=SCALAR)})
OPENSEARCH3 = Table({**OPENSEARCH2, "query.range": Form(value=_range(*BOUNDS, bound=_ONE_BOUND, **_INCLUDED))})
