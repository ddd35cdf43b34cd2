"""Queries: what their parsers take beyond the typed classes, and refuse within them.

A table of `schema_parts.Form` by place; `schema_forms` puts the tables together.
"""

from __future__ import annotations

from dstill_querydsl.schema_parts import (
    BOOLEAN,
    LOOSE,
    LOOSE_TEXTS,
    NUMBER,
    QUERIES,
    QUERY,
    SCALAR,
    TEXT,
    Form,
    Table,
    closed,
    ref,
)
from dstill_querydsl.schema_shapes import (
    Schema,
    Shape,
    anything,
    array,
    literals,
    null,
    obj,
    union,
    with_extra,
)

__all__ = ["FORMS", "OLD_FORMS", "score_function"]

FORMS = Table()

_BOUND = union(LOOSE, null(), array(anything()))  # a list is read, and is then no value of any field
_OPERATOR = literals(["and", "or", "AND", "OR"])
_RELATION = literals(word for name in ("within", "contains", "intersects") for word in (name, name.upper()))


def _range(*bounds: str, **more: Shape) -> Shape:
    ends = dict.fromkeys(bounds, _BOUND)
    return closed("range", **ends, **more, format=LOOSE, time_zone=LOOSE, relation=_RELATION, boost=NUMBER, _name=LOOSE)


_DECAY = obj(
    {
        "type": "object",
        "properties": {"multi_value_mode": literals(["min", "max", "avg", "sum"]).render()},
        "additionalProperties": closed(
            "decay", ("scale",), origin=anything(), scale=anything(), offset=anything(), decay=NUMBER
        ).render(),
        "x-one": ["multi_value_mode"],
        "x-what": "decay",
    }
)
_FUNCTIONS = {
    "random_score": closed("random_score", seed=SCALAR, field=LOOSE),
    "field_value_factor": closed(
        "field_value_factor",
        ("field",),
        field=LOOSE,
        factor=NUMBER,
        missing=NUMBER,
        modifier=literals(
            ["none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"],
        ),
    ),
    "script_score": closed("script_score", ("script",), script=ref("script")),
    "linear": _DECAY,
    "gauss": _DECAY,
    "exp": _DECAY,
    "weight": NUMBER,
}


def score_function(names: list[str]) -> Schema:
    """One entry of ``function_score.functions``; `names` are those that the client knows."""
    known = {name: shape.render() for name, shape in _FUNCTIONS.items() if name == "weight" or name in names}
    return {
        "type": "object",
        "x-what": "score function",
        "properties": {"filter": QUERY.render(), **known},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in known],
        "dependentSchemas": {one: {"properties": {other: {"not": {}} for other in others}} for one, *others in _APART},
    }


_FUNCTION_NAMES = tuple(name for name in _FUNCTIONS if name != "weight")
_APART = tuple((name, *(other for other in _FUNCTION_NAMES if other != name)) for name in _FUNCTION_NAMES)
_ALONE = tuple((name, *(other for other in (*_FUNCTIONS, "functions") if other != name)) for name in _FUNCTIONS)
# --- queries ----------------------------------------------------------------------------

FORMS.add(
    "query.bool",
    Form(
        properties=dict.fromkeys(("filter", "must", "must_not", "should"), QUERIES)
        | {"minimum_should_match": union(NUMBER, TEXT, null())}
    ),
)
FORMS.add("query.range", Form(value=_range("gt", "gte", "lt", "lte")))
FORMS.add("query.terms", Form(value=union(array(union(LOOSE, obj())), ref("terms_lookup"))))
_ID = with_extra(LOOSE, minLength=1)
FORMS.add("query.ids", Form(properties={"values": union(array(_ID), LOOSE)}, required=("values",)))
FORMS.add("query.match_all", Form(loose=False))
FORMS.add("query.distance_feature", Form(properties={"origin": union(array(NUMBER), LOOSE, obj())}))
FORMS.add("type.RegexpQuery", Form(properties={"value": with_extra(LOOSE, maxLength=1000)}))
FORMS.add("query.exists", Form(properties={"field": with_extra(LOOSE, minLength=1)}))
FORMS.add("query.wrapper", Form(required=("query",)))
FORMS.add(
    "query.function_score", Form(properties={**_FUNCTIONS, "functions": array(ref("score_function"))}, apart=_ALONE)
)
FORMS.add("query.multi_match", Form(properties={"operator": _OPERATOR}))
FORMS.add("type.MatchQuery", Form(properties={"operator": _OPERATOR}))
FORMS.add("type.MatchBoolPrefixQuery", Form(properties={"operator": _OPERATOR}))
for _name in ("query_string", "simple_query_string"):
    FORMS.add(f"query.{_name}", Form(properties={"default_operator": _OPERATOR}))
FORMS.add("query.query_string", Form(properties={"default_operator": _OPERATOR, "fields": LOOSE_TEXTS}))
FORMS.add("type.TermQuery", Form(properties={"value": SCALAR}, required=("value",)))
FORMS.add("type.WildcardQuery", Form(one_of=(("value", "wildcard"),)))
FORMS.add("query.wildcard", Form(short=SCALAR))
FORMS.add("type.Script", Form(one_of=(("source", "id"),), properties={"lang": TEXT}))
FORMS.add("query.span_not", Form(apart=(("dist", "pre", "post"),)))
FORMS.add("query.knn", Form(properties={"inner_hits": ref("type.InnerHits")}))
FORMS.add(
    "type.LatLonGeoLocation|GeoHashLocation",
    Form(properties={"type": TEXT, "coordinates": array(NUMBER)}, one_of=(("lat", "geohash", "type"),)),
)

# --- intervals: containers of one rule --------------------------------------------------

for _name in ("IntervalsQuery", "IntervalsContainer", "IntervalsFilter"):
    FORMS.add(f"type.{_name}", Form(one_key=True, loose=False))


# --- older parsers, which also take the ends under their Lucene names --------------------

OLD_FORMS = Table()
_INCLUDED = {"include_lower": BOOLEAN, "include_upper": BOOLEAN}
OLD_FORMS.add("query.range", Form(value=_range("gt", "gte", "lt", "lte", "from", "to", **_INCLUDED)))
