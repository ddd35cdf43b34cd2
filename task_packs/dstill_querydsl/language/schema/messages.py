"""Turns the validator's errors into messages for people.

In: one ``jsonschema`` error. Out: problems, each with a JSON pointer, the value that was found and what is expected:

    {"query": {"mach": …}}            unknown query 'mach'              hint: did you mean 'match'?
    {"query": {"nested": {…}}}        nested needs 'path'
    {"query": {"bool": {"must": 3}}}  'must' must be an object or a list, found 3
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from difflib import get_close_matches
from typing import Any

from dstill.api.records import Problem
from dstill_querydsl.language.schema.words import synonym
from dstill_querydsl.language.strict import escape

__all__ = ["problems"]

_CLAUSES = {"must", "filter", "should", "must_not", "minimum_should_match"}
_UNKNOWN = {
    "query": "unknown_query",
    "span query": "unknown_query",
    "aggregation": "unknown_aggregation",
    "search body": "unknown_key",
}
_CONTAINERS = {"query", "span query", "aggregation", "composite source", "score function", "intervals"}
_FIELD_FIRST = 'name the query first and the field inside it: {"match": {"title": …}}'
_LIMITS = {
    "minimum": "{name} must be at least {limit}, found {found}",
    "exclusiveMinimum": "{name} must be greater than {limit}, found {found}",
    "maximum": "{name} must be at most {limit}, found {found}",
    "minLength": "{name} must not be empty",
    "maxLength": "{name} is longer than {limit} characters",
    "minItems": "{name} must not be an empty list",
    "minProperties": "{name} must not be an empty object",
    "maxProperties": "{name} must have only one key",
}


def problems(error: Any, queries: Container[str] = ()) -> Iterator[Problem]:
    """The problems behind one error: one for each unknown key, else a single one.

    `queries` are the names of all queries, to tell a query in the wrong place from an unknown word.
    """
    if error.validator == "additionalProperties":
        yield from _unknown(error, queries)
        return
    explain = _BY_KEYWORD.get(error.validator, _limit)
    yield from explain(error)


def _problem(
    error: Any, code: str, message: str, hint: str = "", suggestion: str | None = None, key: str = ""
) -> Problem:
    steps = [*error.absolute_path, *([key] if key else [])]
    pointer = "".join(f"/{escape(str(step))}" for step in steps)
    return Problem(layer="schema", code=code, message=message, pointer=pointer, hint=hint, suggestion=suggestion)


def _unknown(error: Any, queries: Container[str]) -> Iterator[Problem]:
    kind, known = error.schema.get("x-what", "object"), sorted(error.schema["properties"])
    for key in error.instance:
        if key in error.schema["properties"]:
            continue
        # At the top of a body accept close misspellings only: 'settings' belongs to another request, not to 'stats'.
        near = get_close_matches(key, known, n=1, cutoff=0.75 if kind == "search body" else 0.6)
        suggestion = synonym(key, error.schema["properties"]) or (near[0] if near else None)
        code = _UNKNOWN.get(kind, "unknown_option")
        hint = _misplaced(key, kind, queries) or (f"did you mean {suggestion!r}?" if suggestion else "")
        hint = hint or (_FIELD_FIRST if kind == "query" and error.instance[key] != {} else _known(known))
        yield _problem(error, code, _unknown_message(key, kind, suggestion), hint, suggestion, key=key)


def _unknown_message(key: str, kind: str, suggestion: str | None) -> str:
    key = key if len(key) <= 60 else f"{key[:57]}…"
    if kind == "search body":
        return f"unknown key {key!r}" if suggestion else f"not a search body: {key!r} is not a key of one"
    return f"unknown {kind} {key!r}" if kind in _CONTAINERS else f"{kind} has no option {key!r}"


def _misplaced(key: str, kind: str, queries: Container[str]) -> str:
    """A hint on where a key belongs that is valid elsewhere."""
    if key.isdigit():
        return "write a list in brackets, not as an object with the keys 0, 1 …"
    if kind in ("query", "search body") and key in _CLAUSES:
        return f"{key!r} belongs inside 'bool'"
    if kind == "query" and key in ("aggs", "aggregations", "size", "from", "sort", "_source"):
        return f"{key!r} belongs next to the top-level 'query', not inside it"
    if kind in ("search body", "bool") and key in queries:
        return f"{key!r} is a query: put it " + (
            "under 'query'" if kind == "search body" else "into a clause of the bool"
        )
    return ""


def _known(known: list[str]) -> str:
    return ("allowed here: " + ", ".join(known[:12]) + (" …" if len(known) > 12 else "")) if known else ""


def _missing(error: Any) -> Iterator[Problem]:
    missing = [repr(key) for key in error.validator_value if key not in error.instance]
    kind = error.schema.get("x-what", _name(error))
    yield _problem(error, "missing", f"{kind} needs {' and '.join(missing)}", f"add {', '.join(missing)}")


def _needs(error: Any) -> Iterator[Problem]:
    for key, others in error.validator_value.items():
        missing = [repr(other) for other in others if other not in error.instance]
        if key in error.instance and missing:
            message = f"{key!r} also needs {' and '.join(missing)}"
            yield _problem(error, "missing", message, f"add {', '.join(missing)}")


def _none_of(error: Any) -> Iterator[Problem]:
    names = ", ".join(repr(option["required"][0]) for option in error.validator_value)
    yield _problem(error, "missing", f"{_name(error)} needs one of {names}", f"add one of {names}")


def _one_type(error: Any) -> Iterator[Problem]:
    kind = error.schema.get("x-what", "object")
    keys = [key for key in error.instance if key not in error.validator_value]
    listed = " and ".join(repr(key) for key in keys[:4])
    if kind in _CONTAINERS:
        known = [key for key in keys if key in error.schema["properties"]]
        if not keys:
            yield _problem(error, "empty", f"this {kind} has no type", f"add one type of {kind}")
        elif len(known) == len(keys):  # unknown keys have their own message
            hint = "put the second under 'aggs'" if kind == "aggregation" else "combine them in a bool"
            yield _problem(error, "several", f"{_a(kind)} has exactly one type, found {listed}", hint)
    elif not keys:
        yield _problem(error, "missing_field", f"{kind} needs a field", "add the name of one field")
    else:
        hint = "write one query per field, in a bool"
        yield _problem(error, "several", f"{kind} takes one field, found {listed}", hint)


def _excluded(error: Any) -> Iterator[Problem]:
    """A key that another key of the same object excludes (``dependentSchemas``)."""
    path = list(error.absolute_schema_path)
    trigger = path[len(path) - 1 - path[::-1].index("dependentSchemas") + 1]
    if trigger in ("aggs", "aggregations"):
        hint = "put the aggregations next to it, not below it"
        yield _problem(error, "no_sub_aggregations", f"{_name(error)} takes no sub-aggregations", hint)
    else:
        message = f"{_name(error)} is not allowed together with {trigger!r}"
        yield _problem(error, "exclusive", message, "keep one of the two")


def _type(error: Any) -> Iterator[Problem]:
    expected = error.schema.get("title") or _expected(error)
    message = f"{_name(error)} must be {expected}, found {_brief(error.instance)}"
    yield _problem(error, "wrong_type", message, _type_hint(error))


def _expected(error: Any) -> str:
    kind = error.schema.get("x-what")
    if kind in _CONTAINERS:
        return f"{_a(kind)} (an object)"
    types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    nouns = {"object": "an object", "array": "a list", "string": "a string", "number": "a number", "null": "null"}
    return " or ".join(nouns.get(kind, kind) for kind in types)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'ai' else 'a'} {noun}"


def _type_hint(error: Any) -> str:
    if isinstance(error.instance, list) and len(error.absolute_path) >= 2:
        operator = error.absolute_path[-2]
        if operator == "term":
            return "use 'terms' for several values"
        if error.schema.get("x-what") == "query":
            return "combine several queries in a bool"
    types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    if isinstance(error.instance, list) and len(error.instance) == 1 and "array" not in types:
        return "take it out of the list"
    if types == ["array"] and error.instance is not None:
        return "put it into a list"
    return ""


def _enum(error: Any) -> Iterator[Problem]:
    words = [str(word) for word in error.validator_value]
    words = [word for word in words if word == word.lower()] or words
    message = f"{_name(error)} must be one of {', '.join(words)}; found {_brief(error.instance)}"
    yield _problem(error, "wrong_value", message, *_near(error.instance, words))


def _near(value: Any, words: list[str]) -> tuple[str, str | None]:
    """Hint and suggestion: the most similar word, such as desc for descending."""
    near = get_close_matches(str(value).lower(), words, n=1, cutoff=0.5)
    return (f"did you mean {near[0]!r}?", near[0]) if near else ("", None)


def _pattern(error: Any) -> Iterator[Problem]:
    expected = error.schema.get("title", "something else")
    if list(error.schema_path)[-2:-1] == ["propertyNames"]:
        yield _problem(error, "wrong_name", f"{error.instance!r} is not a valid name: use {expected}")
    else:
        words = expected.partition("one of ")[2].split(", ")
        message = f"{_name(error)} must be {expected}, found {_brief(error.instance)}"
        yield _problem(error, "wrong_value", message, *_near(error.instance, words))


def _limit(error: Any) -> Iterator[Problem]:
    template = _LIMITS.get(error.validator, "{name} is not allowed here, found {found}")
    message = template.format(name=_name(error), limit=error.validator_value, found=_brief(error.instance))
    yield _problem(error, "out_of_range", message)


def _name(error: Any) -> str:
    """How messages name the wrong value: by its key, or by the list that it is an item of."""
    steps = list(error.absolute_path)
    named = [step for step in steps if isinstance(step, str)]
    if not named:
        return "the body"
    return f"an item of {named[-1]!r}" if isinstance(steps[-1], int) else repr(named[-1])


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


_BY_KEYWORD: dict[str, Callable[[Any], Iterator[Problem]]] = {
    "required": _missing,
    "dependentRequired": _needs,
    "anyOf": _none_of,
    "x-one": _one_type,
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "not": _excluded,
}
