"""Strict JSON, one text in and one value out; and back, compact.

    >>> loads('{"id": "1", "n": 2}')
    {'id': '1', 'n': 2}
    >>> loads('{"id": "1", "id": 2}')
    Traceback (most recent call last):
    dstill.io.strict_json.NotStrict: duplicate key 'id'
    >>> dumps({"id": "1", "n": 2})
    '{"id":"1","n":2}'

Python's own reader takes duplicate keys (the last wins), NaN, Infinity and 1e999; here they
are errors, as are integers of thousands of digits and nesting without end.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

__all__ = ["MAX_DEPTH", "NotStrict", "dumps", "fenced", "kind", "loads"]

# An answer of 200 nested clauses still comes through to the checks that refuse it by name;
# what is deeper could not be walked by recursive code.
MAX_DEPTH = 700
MAX_DIGITS = 1_000  # of one number

_SURROGATE = re.compile("[\ud800-\udfff]")


class NotStrict(ValueError):
    """Why a text is not strict JSON, in words."""

    def __init__(self, why: str, *, syntax: bool = False) -> None:
        super().__init__(why)
        self.syntax = syntax  # no JSON at all, so it may be JSON that was cut off


def loads(text: str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of `text`. Raises NotStrict."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise NotStrict(f"{error.msg[:1].lower()}{error.msg[1:]} at {at}", syntax=True) from None
    except RecursionError:
        raise NotStrict(f"nested deeper than {max_depth} levels") from None
    if text.count("[") + text.count("{") > max_depth and _deeper(value, max_depth):
        raise NotStrict(f"nested deeper than {max_depth} levels")
    return value


def dumps(value: Any) -> str:
    """`value` on one line, compact, letters as they are; keys in the order in which they stand.

    Half surrogate pairs, which a text may hold but no UTF-8 file can, stay as escapes.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def fenced(value: Any) -> str:
    """JSON for a prompt, in a fence that nothing in it can close."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("```", "``\\u0060")
    return f"```json\n{text}\n```"


def kind(value: Any) -> str:
    """What a JSON value is called: ``an object``, ``a list``, ``text``, ``null`` …"""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NotStrict(f"duplicate key '{key[:80]}'")
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    raise NotStrict(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise NotStrict(f"number {_short(text)} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise NotStrict(f"number of {len(text):,} digits, the limit is {MAX_DIGITS:,}")
    return int(text)


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


def _deeper(value: Any, limit: int) -> bool:
    """Whether `value` is nested deeper than `limit`; level by level, so without recursion."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > limit:
            return True
        level = [item for parent in level for item in (parent.values() if isinstance(parent, dict) else parent)]
    return False
