"""Old and loose spellings in search bodies, and the ones that mean the same today.

    list(fixes('{"size": "10"}', problems))     [Fix(edits=(Edit(start=9, end=13, text="10"),), …)]

    "size": "10"                             "size": 10
    range: from, to, include_lower …         gte, gt, lte, lt
    date_histogram: "interval": "1d"         "calendar_interval": "1d"
    "explain": false                         nothing: it is the default

Only what an engine reads in the same way is here: a misspelt name has no meaning to keep. The tests run both spellings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from dstill.api.answer_files import Edit, Fix
from dstill.api.records import Problem
from dstill.io.json_places import find, removal
from dstill_querydsl.language import strict
from dstill_querydsl.language.dates import CALENDAR_SHORT, CALENDAR_UNITS

__all__ = ["fixes"]

_BOUNDS = {"from": ("include_lower", "gte", "gt"), "to": ("include_upper", "lte", "lt")}
_INTERVALS = {"calendar_interval", "fixed_interval"}
_FIXED = re.compile(r"[1-9]\d*(?:ms|s|m|h|d)")
_OFF = {"explain", "profile", "version", "seq_no_primary_term"}  # false by default


def fixes(answer: str, problems: Sequence[Problem]) -> Iterator[Fix]:
    """The repairs of `answer`, in which the checks found `problems`."""
    body = strict.read(answer).value
    for problem in problems if body is not None else ():
        if edits := _edits(answer, body, problem):
            yield Fix(edits=tuple(edits), problem=problem, same_meaning=True)


def _edits(answer: str, body: Any, problem: Problem) -> list[Edit]:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in problem.pointer.split("/")[1:]]
    if not steps:
        return []
    key, around = steps[-1], _value(body, steps[:-1])
    if not isinstance(around, dict) or key not in around:
        return []
    if problem.code == "coerced":
        return _written(answer, problem.pointer, str(int(around[key])))
    if problem.code == "not_allowed" and len(steps) == 1 and key in _OFF and around[key] is False:
        return _removed(answer, problem.pointer)
    if problem.code != "unknown_option":
        return []
    if key in _BOUNDS and steps[-3:-2] == ["range"] and steps[-4:-3] not in (["aggs"], ["aggregations"]):
        return _bound(answer, problem.pointer, key, around)
    if key == "interval" and steps[-2:-1] == ["date_histogram"] and not _INTERVALS & around.keys():
        return _renamed(answer, problem.pointer, _interval(around[key]))
    return []


def _value(body: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def _bound(answer: str, pointer: str, key: str, options: dict[str, Any]) -> list[Edit]:
    """One end of a range. No bound, as null, and one in both spellings stay."""
    include, closed, open_ = _BOUNDS[key]
    inclusive = options.get(include, True)
    if options[key] is None or not isinstance(inclusive, bool) or {closed, open_} & options.keys():
        return []
    edits = _renamed(answer, pointer, closed if inclusive else open_)
    return edits + (_removed(answer, f"{pointer.rpartition('/')[0]}/{include}") if include in options else [])


def _interval(value: Any) -> str:
    """The name of `interval` since 7.2. A unit of the calendar, as day or 1d, was never a fixed time."""
    if value in CALENDAR_UNITS or value in CALENDAR_SHORT:
        return "calendar_interval"
    return "fixed_interval" if isinstance(value, str) and _FIXED.fullmatch(value) else ""


# --- edits ------------------------------------------------------------------------------


def _renamed(answer: str, pointer: str, name: str) -> list[Edit]:
    place = find(answer, pointer) if name else None
    if place is None or place.key is None:
        return []
    return [Edit(start=place.key[0], end=place.key[1], text=json.dumps(name))]


def _written(answer: str, pointer: str, text: str) -> list[Edit]:
    place = find(answer, pointer)
    return [Edit(start=place.start, end=place.end, text=text)] if place is not None and place.exact else []


def _removed(answer: str, pointer: str) -> list[Edit]:
    span = removal(answer, pointer)
    return [Edit(start=span[0], end=span[1], text="")] if span else []
