"""Checks that a body fits the mapping of its index: layer ``mapping``.

In: any JSON object and a mapping. Out: problems, errors and warnings:

    check({"query": {"term": {"titel": "x"}}}, mapping)
    -> unknown_field: unknown field 'titel'; hint: did you mean 'title' (text)?
    check({"query": {"term": {"title": "x"}}}, mapping)
    -> wrong_type: term does not fit 'title', a text field; hint: use 'title.raw' (keyword), or match …

Almost every body with such a problem runs without an error and returns a wrong result. Not covered: analyzers,
whether a value occurs, and fields that a script reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill.api.records import Problem, Severity
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.mapping.needs import AGGREGATION_NEEDS, BY_TYPE, COLLAPSE, DOC_VALUES, NEEDS, SORT, Need
from dstill_querydsl.language.mapping.uses import Use, uses
from dstill_querydsl.language.mapping.values import wrong_value

__all__ = ["MAX_PROBLEMS", "check", "problems_of"]

MAX_PROBLEMS = 20
_INSTEAD = {"term": "match", "terms": "match", "range": "a number, date or ip field", "prefix": "match_phrase_prefix"}


def check(body: Mapping[str, Any], mapping: Mapping[str, Any] | Fields) -> tuple[Problem, ...]:
    """Parts of `body` that do not fit `mapping`, at most `MAX_PROBLEMS`.

    Resolving the fields of a mapping takes longer than the check: pass the same `Fields` for many bodies.
    """
    fields = mapping if isinstance(mapping, Fields) else Fields.of(mapping)
    problems: dict[tuple[str, str], Problem] = {}
    for use in uses(body):
        for problem in problems_of(use, fields):
            problems.setdefault((problem.pointer, problem.code), problem)
        # Stop early: to find the nearest name for thousands of unknown fields would take minutes.
        if len(problems) >= MAX_PROBLEMS:
            break
    return tuple(problems.values())[:MAX_PROBLEMS]


def _problem(
    use: Use, code: str, message: str, hint: str = "", suggestion: str | None = None, *, warning: bool = False
) -> Problem:
    severity = Severity.WARNING if warning else Severity.ERROR
    return Problem(
        layer="mapping",
        code=code,
        message=message,
        pointer=use.pointer,
        hint=hint,
        suggestion=suggestion,
        severity=severity,
    )


def problems_of(use: Use, fields: Fields) -> Iterator[Problem]:
    """Why one use of a field does not fit."""
    if "*" in use.name:
        if not fields.matching(use.name) and not use.name.startswith("_") and use.name != "*":
            yield _problem(use, "unknown_field", f"no field matches {use.name!r}", "name a field of the mapping")
        return
    if use.kind == "fetch" and use.name.startswith("_"):
        return  # stored_fields accepts _source, _none_ and more
    field = fields.get(use.name)
    if field is None:
        yield _unknown(use, fields)
    elif field.family == "lookup":
        yield _problem(use, "foreign_read", f"{use.name!r} is looked up in another index", "use a field of this index")
    elif use.kind == "path":
        yield from _path(use, field, fields)
    elif use.kind != "fetch" or use.operator == "docvalue_fields":
        yield from _conflicting(use, fields)
        yield from _nesting(use, field)
        yield from _fits(use, field, fields)


def _conflicting(use: Use, fields: Fields) -> Iterator[Problem]:
    conflict = fields.conflicts.get(use.name)
    if conflict is not None and not conflict.compatible:
        message = f"the indices disagree on {use.name!r}: it is {conflict}"
        hint = "search an index where it has one type, or use another field"
        yield _problem(use, "conflicting_field", message, hint, warning=True)


def _unknown(use: Use, fields: Fields) -> Problem:
    near = _nearest_inside(use, fields) or fields.nearest(use.name)
    known = fields.get(near) if near else None
    hint = f"did you mean {near!r} ({known.type})?" if known else _some(fields)
    return _problem(use, "unknown_field", f"unknown field {_brief(use.name)}", hint, near)


def _nearest_inside(use: Use, fields: Fields) -> str | None:
    """The nearest field below the enclosing nested path, such as items.name for name."""
    if use.nested is None or use.kind == "path":
        return None
    near = fields.nearest(f"{use.nested}.{use.name.removeprefix(f'{use.nested}.')}")
    return near if near and near.startswith(f"{use.nested}.") else None


def _some(fields: Fields) -> str:
    names = [field.name for field in fields if field.family != "object"]
    if not names:
        return "the mapping has no fields"
    return "known fields: " + ", ".join(names[:8]) + (" …" if len(names) > 8 else "")


def _path(use: Use, field: Field, fields: Fields) -> Iterator[Problem]:
    if field.type == "nested":
        return
    nested = [item.name for item in fields if item.type == "nested"]
    hint = f"nested paths are {', '.join(nested)}" if nested else "the mapping has no nested field: query it directly"
    yield _problem(use, "not_nested", f"{use.operator} needs a nested path; {use.name!r} is {_type(field)} field", hint)


def _nesting(use: Use, field: Field) -> Iterator[Problem]:
    """Engines index nested documents apart: their fields are only searched inside their nested path."""
    inner = field.nested[-1] if field.nested else None
    if inner == use.nested:
        return
    if use.nested is not None and use.nested not in field.nested:
        message = f"{use.name!r} is not a field of the nested path {use.nested!r} around it"
        yield _problem(use, "outside_nested", message, "move it out of the nested part")
    elif inner is not None:
        message = f"{use.name!r} is a field of the nested path {inner!r}, which is not searched here"
        yield _problem(use, "lost_nested", message, _nest(use, inner), inner)


def _nest(use: Use, path: str) -> str:
    if use.kind == "sort":
        return f'add "nested": {{"path": "{path}"}} to the sort'
    return f"put it into a nested {'aggregation' if use.kind == 'aggregation' else 'query'} with path {path!r}"


def _need(use: Use) -> Need | None:
    if use.kind == "sort":
        return SORT
    if use.kind == "collapse":
        return COLLAPSE
    if use.kind == "fetch":
        return DOC_VALUES
    if use.kind == "aggregation":
        return AGGREGATION_NEEDS.get(use.operator)
    as_ = BY_TYPE.get(str(use.options.get("type"))) if use.operator == "multi_match" else None
    return NEEDS.get(as_ or use.operator)


def _fits(use: Use, field: Field, fields: Fields) -> Iterator[Problem]:
    need = _need(use)
    if need is None:
        return
    readable = field.family == "text" and need.doc_values and field.has_doc_values  # fielddata: true
    if field.family in need.doubtful:
        message = f"{use.operator} on {use.name!r} ({field.type}): {need.doubtful[field.family]}"
        yield _problem(use, "doubtful_type", message, *_instead(use, field, fields), warning=True)
        if field.family in ("object", "nested"):
            return
    elif field.family not in need.fits and not readable:
        message = f"{use.operator} does not fit {use.name!r}, which is {_type(field)} field"
        yield _problem(use, "wrong_type", message, *_instead(use, field, fields))
        return
    if need.doc_values and not field.has_doc_values:
        message = f"{use.operator} needs doc values, which {use.name!r} ({field.type}) does not have"
        yield _problem(use, "no_doc_values", message, *_instead(use, field, fields))
    if need.values and use.options.get("lenient") not in (True, "true"):
        yield from _values(use, field)


def _values(use: Use, field: Field) -> Iterator[Problem]:
    if use.kind == "aggregation" and field.family in ("ip", "number", "date", "boolean"):
        for key in ("include", "exclude"):
            if isinstance(use.options.get(key), str):
                message = f"{key!r} cannot be a regular expression on {use.name!r}, which is {_type(field)} field"
                yield _problem(use, "wrong_value", message, f"list the values of {key!r}")
    for value in use.values:
        wrong = wrong_value(field, value, use.options)
        if wrong:
            message = f"{_brief(value)} {wrong}, but {use.name!r} is {_type(field)} field"
            yield _problem(use, "wrong_value", message, f"use a value of type {field.type}")
            return


def _instead(use: Use, field: Field, fields: Fields) -> tuple[str, str | None]:
    """Hint and suggestion: the sub-field with exact values, a field inside an object, or another operator."""
    if field.family == "text" and (exact := fields.exact(use.name)):
        other = (
            f", or {_INSTEAD[use.operator]} for words in the text"
            if use.kind != "aggregation" and use.operator in ("term", "terms")
            else ""
        )
        return f"use {exact!r} ({_type_name(fields, exact)}){other}", exact
    if field.family in ("object", "nested"):
        inside = [name for name in fields.names if name.startswith(f"{use.name}.")]
        return (f"name a field inside it: {', '.join(inside[:5])}" if inside else "", inside[0] if inside else None)
    if field.family == "text" and use.operator in _INSTEAD:
        return f"use {_INSTEAD[use.operator]}; {use.name!r} has no sub-field with exact values", None
    return f"choose a field of a type other than {field.type}", None


def _type_name(fields: Fields, name: str) -> str:
    field = fields.get(name)
    return field.type if field else ""


def _type(field: Field) -> str:
    return f"{'an' if field.type[:1] in 'aeiou' else 'a'} {field.type}"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
