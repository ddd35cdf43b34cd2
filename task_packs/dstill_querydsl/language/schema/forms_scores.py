"""Forms of the functions in a function_score, given as a list or as a single function next to the query.

score_function(["gauss"])   -> the schema of one entry of ``functions``
FUNCTIONS["weight"]         -> a number
"""

from __future__ import annotations

from dstill_querydsl.language.schema.parts import LOOSE_TEXT, NUMBER, QUERY, SCALAR, closed, ref
from dstill_querydsl.language.schema.shapes import JsonSchema, any_way, anything, literals, obj

__all__ = ["ALONE", "FUNCTIONS", "FUNCTION_SCORE_MODE", "score_function"]

_DECAY = obj(
    {
        "type": "object",
        "properties": {"multi_value_mode": any_way(literals(["min", "max", "avg", "sum"])).render()},
        "additionalProperties": closed(
            "decay", ("scale",), origin=anything(), scale=anything(), offset=anything(), decay=NUMBER
        ).render(),
        "x-one": ["multi_value_mode"],
        "x-what": "decay",
    }
)
FUNCTION_SCORE_MODE = any_way(literals(["multiply", "sum", "avg", "first", "max", "min"]))
FUNCTIONS = {
    "random_score": closed("random_score", seed=SCALAR, field=LOOSE_TEXT),
    "field_value_factor": closed(
        "field_value_factor",
        ("field",),
        field=LOOSE_TEXT,
        factor=NUMBER,
        missing=NUMBER,
        modifier=any_way(
            literals(["none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"])
        ),
    ),
    "script_score": closed("script_score", ("script",), script=ref("script")),
    "linear": _DECAY,
    "gauss": _DECAY,
    "exp": _DECAY,
    "weight": NUMBER,
}


def score_function(names: list[str]) -> JsonSchema:
    """The schema of one entry of ``function_score.functions``; `names` are the functions that the client knows."""
    known = {name: shape.render() for name, shape in FUNCTIONS.items() if name == "weight" or name in names}
    return {
        "type": "object",
        "x-what": "score function",
        "properties": {"filter": QUERY.render(), **known},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in known],
        "dependentSchemas": {key: {"properties": {other: {"not": {}} for other in others}} for key, *others in _APART},
    }


_FUNCTION_NAMES = tuple(name for name in FUNCTIONS if name != "weight")
_APART = tuple((name, *(other for other in _FUNCTION_NAMES if other != name)) for name in _FUNCTION_NAMES)
ALONE = tuple((name, *(other for other in (*FUNCTIONS, "functions") if other != name)) for name in FUNCTIONS)
