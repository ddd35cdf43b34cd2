"""An error of the validator, as a person should read it.

In: one ``jsonschema`` error. Out: problems, each with the JSON pointer of what is wrong, what
stood there and what would be right:

    {"query": {"mach": …}}          unknown query 'mach'              hint: did you mean 'match'?
    {"query": {"nested": {…}}}      nested needs 'path'
    {"query": {"bool": {"must": 3}}}  'must' wants a query or a list of them, found 3
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Any, Callable, Container, Iterator

from dstill.api.records import Problem
from dstill_querydsl.language.strict import escape
from dstill_querydsl.schema.words import meant

__all__ = ["problems"]

_CLAUSES = {"must", "filter", "should", "must_not", "minimum_should_match"}
_UNKNOWN = {
    "query": "unknown_query",
    "span query": "unknown_query",
    "aggregation": "unknown_aggregation",
    "search body": "unknown_key",
}
_CONTAINERS = {"query", "span query", "aggregation", "composite source", "score function", "intervals"}
_FIELD_FIRST = 'the name of a query stands here and the field below it, as {"match": {"title": …}}'
_LIMITS = {
    "minimum": "{name} is at least {limit}, found {found}",
    "exclusiveMinimum": "{name} is more than {limit}, found {found}",
    "maximum": "{name} is at most {limit}, found {found}",
    "minLength": "{name} is empty",
    "maxLength": "{name} is longer than {limit} characters",
    "minItems": "{name} is an empty list",
    "minProperties": "{name} is an empty object",
    "maxProperties": "{name} has more than {limit} key",
}


def problems(error: Any, queries: Container[str] = ()) -> Iterator[Problem]:
    """What one error means; several problems where several keys are unknown.

    `queries` are the names of queries, to tell a query in the wrong place from a wrong word.
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
    what, known = error.schema.get("x-what", "object"), sorted(error.schema["properties"])
    for key in error.instance:
        if key in error.schema["properties"]:
            continue
        # Of the body only a misspelling is near: 'settings' is another request, not a wrong 'stats'.
        near = get_close_matches(key, known, n=1, cutoff=0.75 if what == "search body" else 0.6)
        suggestion = meant(key, error.schema["properties"]) or (near[0] if near else None)
        code = _UNKNOWN.get(what, "unknown_option")
        hint = _moved(key, what, queries) or (f"did you mean {suggestion!r}?" if suggestion else "")
        hint = hint or (_FIELD_FIRST if what == "query" and error.instance[key] != {} else _known(known))
        yield _problem(error, code, _unknown_message(key, what, suggestion), hint, suggestion, key=key)


def _unknown_message(key: str, what: str, suggestion: str | None) -> str:
    key = key if len(key) <= 60 else f"{key[:57]}…"
    if what == "search body":
        return f"unknown key {key!r}" if suggestion else f"not a search body: {key!r} is no key of one"
    return f"unknown {what} {key!r}" if what in _CONTAINERS else f"{what} has no option {key!r}"


def _moved(key: str, what: str, queries: Container[str]) -> str:
    """Where a key belongs that is known, but elsewhere; or what it seems to be."""
    if key.isdigit():
        return "a list is written in brackets, not as an object with 0, 1 …"
    if what in ("query", "search body") and key in _CLAUSES:
        return f"{key!r} stands inside 'bool'"
    if what == "query" and key in ("aggs", "aggregations", "size", "from", "sort", "_source"):
        return f"{key!r} stands beside the top-level 'query', not in it"
    if what in ("search body", "bool") and key in queries:
        return f"{key!r} is a query: put it " + (
            "under 'query'" if what == "search body" else "into a clause of the bool"
        )
    return ""


def _known(known: list[str]) -> str:
    return ("it takes " + ", ".join(known[:12]) + (" …" if len(known) > 12 else "")) if known else ""


def _missing(error: Any) -> Iterator[Problem]:
    missing = [repr(key) for key in error.validator_value if key not in error.instance]
    what = error.schema.get("x-what", _name(error))
    yield _problem(error, "missing", f"{what} needs {' and '.join(missing)}", f"add {', '.join(missing)}")


def _needs(error: Any) -> Iterator[Problem]:
    for key, others in error.validator_value.items():
        missing = [repr(other) for other in others if other not in error.instance]
        if key in error.instance and missing:
            yield _problem(error, "missing", f"{key!r} needs {' and '.join(missing)} too", f"add {', '.join(missing)}")


def _none_of(error: Any) -> Iterator[Problem]:
    names = ", ".join(repr(option["required"][0]) for option in error.validator_value)
    yield _problem(error, "missing", f"{_name(error)} needs one of {names}", f"add one of {names}")


def _one(error: Any) -> Iterator[Problem]:
    what = error.schema.get("x-what", "object")
    keys = [key for key in error.instance if key not in error.validator_value]
    listed = " and ".join(repr(key) for key in keys[:4])
    if what in _CONTAINERS:
        known = [key for key in keys if key in error.schema["properties"]]
        if not keys:
            yield _problem(error, "empty", f"{what}: its type is missing", f"name one {what}")
        elif len(known) == len(keys):  # unknown ones have a message of their own
            hint = "put the second below 'aggs'" if what == "aggregation" else "combine them in a bool"
            yield _problem(error, "several", f"one {what} has one type, here are {listed}", hint)
    elif not keys:
        yield _problem(error, "missing_field", f"{what} names a field; this one names none", "name one field")
    else:
        yield _problem(error, "several", f"{what} takes one field, here are {listed}", "one query a field, in a bool")


def _not_here(error: Any) -> Iterator[Problem]:
    """A key that another key of the same object (``dependentSchemas``) does not suffer."""
    path = list(error.absolute_schema_path)
    trigger = path[len(path) - 1 - path[::-1].index("dependentSchemas") + 1]
    if trigger in ("aggs", "aggregations"):
        hint = "put the aggregations beside it, not below"
        yield _problem(error, "no_sub_aggregations", f"{_name(error)} takes no sub-aggregations", hint)
    else:
        yield _problem(error, "exclusive", f"{_name(error)} is not allowed beside {trigger!r}", "keep one of the two")


def _type(error: Any) -> Iterator[Problem]:
    wanted = error.schema.get("title") or _wanted(error)
    yield _problem(error, "wrong_type", f"{_name(error)} wants {wanted}, found {_found(error.instance)}", _hint(error))


def _wanted(error: Any) -> str:
    what = error.schema.get("x-what")
    if what in _CONTAINERS:
        return f"{'an' if what[0] in 'ai' else 'a'} {what} (an object)"
    types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    nouns = {"object": "an object", "array": "a list", "string": "text", "number": "a number", "null": "null"}
    return " or ".join(nouns.get(kind, kind) for kind in types)


def _hint(error: Any) -> str:
    if isinstance(error.instance, list) and len(error.absolute_path) >= 2:
        operator = error.absolute_path[-2]
        if operator == "term":
            return "for several values use 'terms'"
        if error.schema.get("x-what") == "query":
            return "several queries go into a bool"
    types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    if isinstance(error.instance, list) and len(error.instance) == 1 and "array" not in types:
        return "take it out of the list"
    if types == ["array"] and error.instance is not None:
        return "put it into a list"
    return ""


def _enum(error: Any) -> Iterator[Problem]:
    words = [str(word) for word in error.validator_value]
    words = [word for word in words if word == word.lower()] or words
    message = f"{_name(error)} is one of {', '.join(words)}; found {_found(error.instance)}"
    yield _problem(error, "wrong_value", message, *_near(error.instance, words))


def _near(found: Any, words: list[str]) -> tuple[str, str | None]:
    """Hint and suggestion: the word that was probably meant, as desc by descending."""
    near = get_close_matches(str(found).lower(), words, n=1, cutoff=0.5)
    return (f"did you mean {near[0]!r}?", near[0]) if near else ("", None)


def _pattern(error: Any) -> Iterator[Problem]:
    wanted = error.schema.get("title", "something else")
    if list(error.schema_path)[-2:-1] == ["propertyNames"]:
        yield _problem(error, "wrong_name", f"{error.instance!r} cannot be a name: {wanted} is wanted")
    else:
        words = wanted.partition("one of ")[2].split(", ")
        message = f"{_name(error)} wants {wanted}, found {_found(error.instance)}"
        yield _problem(error, "wrong_value", message, *_near(error.instance, words))


def _limit(error: Any) -> Iterator[Problem]:
    form = _LIMITS.get(error.validator, "{name} is not allowed here, found {found}")
    message = form.format(name=_name(error), limit=error.validator_value, found=_found(error.instance))
    yield _problem(error, "out_of_range", message)


def _name(error: Any) -> str:
    """What the wrong thing is called: its key, or the list that it stands in."""
    steps = list(error.absolute_path)
    named = [step for step in steps if isinstance(step, str)]
    if not named:
        return "the body"
    return f"an item of {named[-1]!r}" if isinstance(steps[-1], int) else repr(named[-1])


def _found(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


_BY_KEYWORD: dict[str, Callable[[Any], Iterator[Problem]]] = {
    "required": _missing,
    "dependentRequired": _needs,
    "anyOf": _none_of,
    "x-one": _one,
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "not": _not_here,
}
