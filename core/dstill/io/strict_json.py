"""Reads strict JSON, and writes compact JSON.

    >>> loads('{"id": "1", "n": 2}')
    {'id': '1', 'n': 2}
    >>> loads('{"id": "1", "id": 2}')
    Traceback (most recent call last):
    dstill.io.strict_json.NotStrict: duplicate key 'id'
    >>> dumps({"id": "1", "n": 2})
    '{"id":"1","n":2}'

Python's own reader accepts duplicate keys (the last wins), NaN, Infinity and 1e999. Here these are errors, and so are
numbers of thousands of digits and very deep nesting. `parse` is for callers with other rules: it calls them for each
`Flaw` and uses the value that they return instead.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["MAX_DEPTH", "SURROGATE", "Flaw", "NotStrict", "dumps", "fenced", "kind", "loads", "parse"]

# An answer of 200 nested clauses must still reach the checks, which refuse it with a better message. Recursive code
# could not walk deeper values.
MAX_DEPTH = 700
MAX_DIGITS = 1_000  # of one number

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Flaw:
    """Something that JSON does not allow, but Python's reader accepts."""

    code: str  # duplicate_key, not_finite, long_number
    message: str
    key: str | None = None  # the duplicate key


class NotStrict(ValueError):
    """A text is not strict JSON; the message says why."""

    def __init__(self, why: str, *, syntax: bool = False) -> None:
        super().__init__(why)
        self.syntax = syntax  # not JSON at all, so it may be JSON that was cut off


def loads(text: str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of `text`. Raises NotStrict."""
    try:
        value = parse(text, _refused)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise NotStrict(f"{error.msg[:1].lower()}{error.msg[1:]} at {at}", syntax=True) from None
    except RecursionError:
        raise NotStrict(f"nested deeper than {max_depth} levels") from None
    if text.count("[") + text.count("{") > max_depth and _deeper(value, max_depth):
        raise NotStrict(f"nested deeper than {max_depth} levels")
    return value


def parse(text: str, flawed: Callable[[Flaw], Any], *, max_digits: int = MAX_DIGITS) -> Any:
    """The value of `text`, with the result of `flawed` in place of each flaw.

    Raises json.JSONDecodeError, and RecursionError for thousands of levels.
    """

    def object_(pairs: list[tuple[str, Any]]) -> Any:
        value = dict(pairs)
        if len(value) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    return flawed(Flaw("duplicate_key", f"duplicate key '{key[:80]}'", key))
                seen.add(key)
        return value

    def number(digits: str) -> Any:
        if len(digits) > max_digits:
            return flawed(Flaw("long_number", f"number of {len(digits):,} digits, the limit is {max_digits:,}"))
        if digits.lstrip("-").isdecimal():
            return int(digits)
        value = float(digits)
        return value if math.isfinite(value) else flawed(Flaw("not_finite", f"number {_short(digits)} is too large"))

    return json.loads(
        text,
        object_pairs_hook=object_,
        parse_constant=lambda name: flawed(Flaw("not_finite", f"{name} is not a JSON number")),
        parse_float=number,
        parse_int=number,
    )


def dumps(value: Any) -> str:
    """`value` as compact JSON on one line, with its keys in their order and without escapes for letters.

    Lone surrogates, which a text can contain but a UTF-8 file cannot, are escaped. Raises ValueError for NaN.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def fenced(value: Any) -> str:
    """JSON for a prompt, in a Markdown fence that nothing in `value` can close."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("```", "``\\u0060")
    return f"```json\n{text}\n```"


def kind(value: Any) -> str:
    """The name of a JSON value's type for messages: ``an object``, ``a list``, ``text`` or ``null``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _refused(flaw: Flaw) -> NoReturn:
    raise NotStrict(flaw.message)


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


def _deeper(value: Any, limit: int) -> bool:
    """Whether `value` is nested deeper than `limit` levels. It goes level by level, without recursion."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > limit:
            return True
        level = [item for parent in level for item in (parent.values() if isinstance(parent, dict) else parent)]
    return False
