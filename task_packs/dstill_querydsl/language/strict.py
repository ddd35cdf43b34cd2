r"""Parse text as one JSON object, or say why it is not one. Layer ``json``.

In: what a model wrote. Out: a `Body` whose ``value`` is the object, or None with problems:

    read('{"size": 5}')                 -> Body(value={"size": 5})
    read('```json\n{"size": 5}\n```')   -> the same, with notes=("took away a markdown fence",)
    read('{"size": 5, "size": 6}')      -> Body(value=None, problems=(duplicate_key at /size,))

The only repairs are to remove white space and a markdown fence around the text, and `notes` lists them.
This is stricter than Python's json module, which accepts duplicate keys and NaN, and raises ``ValueError`` and
``RecursionError`` for long numbers and deep nesting. Not covered: whether the object is a search body, which the schema
checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from dstill.api.records import Draft, Problem, Severity
from dstill.io.strict_json import SURROGATE, Flaw, kind, parse

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_DIGITS", "Body", "read", "repaired"]

MAX_BYTES = 32 * 1024
MAX_DEPTH = 20
MAX_DIGITS = 100  # of one number. A double has 17, a long 19

# A whole string (up to the end of the text if it is not closed), or one bracket.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Body:
    """The result of `read`."""

    value: dict[str, Any] | None  # None if there are problems
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()  # repairs


class _Refused(Exception):
    def __init__(self, code: str, message: str, pointer: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(
            layer="json", code=code, message=message, pointer=pointer, hint=hint, severity=Severity.ERROR
        )


@lru_cache(maxsize=256)  # each layer reads the same text. Callers must not change the result
def read(text: str) -> Body:
    """Parse `text` strictly as one JSON object. Never raises."""
    notes: tuple[str, ...] = ()
    try:
        _check_size(text)
        stripped, notes = _unwrap(text)
        return Body(value=_parse(stripped), notes=notes)
    except _Refused as refused:
        return Body(value=None, problems=(refused.problem,), notes=notes)


def repaired(draft: Draft) -> Draft:
    """`draft` with the two repairs that `read` allows. They are listed in its notes."""
    body = read(draft.answer)
    if body.value is None or not body.notes:
        return draft
    return replace(draft, answer=json.dumps(body.value, ensure_ascii=False, separators=(",", ":")), notes=body.notes)


def _unwrap(text: str) -> tuple[str, tuple[str, ...]]:
    notes: list[str] = []
    stripped = text.strip()
    if stripped != text:
        notes.append("took away white space around the text")
    inner = _in_fence(stripped)
    if inner is None:
        return stripped, tuple(notes)
    return inner, (*notes, "took away a markdown fence")


def _in_fence(text: str) -> str | None:
    """The text between ```` ```json ```` on the first line and the closing fence. None without a fence."""
    head, newline, rest = text.partition("\n")
    if not newline or not head.startswith("```") or not rest.endswith("```"):
        return None
    return rest.removesuffix("```").strip() if head[3:].strip().lower() in ("", "json") else None


def _parse(text: str) -> dict[str, Any]:
    if not text:
        raise _Refused("empty", "there is no text to read", hint="write one JSON object")
    _check_surrogates(text, "")
    _check_depth(text)
    try:
        value = parse(
            text, lambda flaw: flaw, max_digits=MAX_DIGITS
        )  # flaws stay in the tree, so that their place is known
    except json.JSONDecodeError as error:
        raise _syntax(text, error) from None
    if not isinstance(value, dict) and not isinstance(value, Flaw):
        raise _Refused("not_an_object", f"not a search body: {kind(value)}, not a JSON object", hint=_ONE_OBJECT)
    for pointer, flaw in _flaws(value, ""):
        raise _Refused(flaw.code, flaw.message, pointer, "write each key once, and only what JSON allows")
    assert isinstance(value, dict)  # a flaw at the root was raised above
    return value


_ONE_OBJECT = "write one JSON object and nothing else"


def _check_size(text: str) -> None:
    # surrogatepass, since lone surrogates are reported later
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise _Refused("too_long", f"{size:,} bytes; at most {MAX_BYTES:,} are read", hint="write a shorter body")


def _check_surrogates(text: str, pointer: str) -> None:
    if match := SURROGATE.search(text):
        where = pointer or _position(text, match.start())
        raise _Refused("lone_surrogate", f"a lone surrogate (U+{ord(match[0]):04X}) is not a character", where)


def _check_depth(text: str) -> None:
    """Count brackets before parsing, since thousands of them make Python's parser raise RecursionError."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                where = _position(text, token.start())
                raise _Refused("too_deep", f"nested more than {MAX_DEPTH} deep", where, "write a flatter body")
        elif token[0] in "]}":
            depth -= 1


def _flaws(value: Any, pointer: str) -> Iterator[tuple[str, Flaw]]:
    """Every flaw in the tree with its JSON pointer. `_check_depth` limits the depth."""
    if isinstance(value, Flaw):
        yield (pointer if value.key is None else f"{pointer}/{escape(value.key)}"), value
    elif isinstance(value, str):
        if match := SURROGATE.search(value):
            yield pointer, Flaw("lone_surrogate", f"a lone surrogate (U+{ord(match[0]):04X}) is not a character")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flaws(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            if SURROGATE.search(key):
                yield pointer, Flaw("lone_surrogate", "a key holds a lone surrogate, which is not a character")
            yield from _flaws(item, f"{pointer}/{escape(key)}")


def escape(key: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _syntax(text: str, error: json.JSONDecodeError) -> _Refused:
    where = _position(text, error.pos)
    if text[0] not in '{["-0123456789tfn':
        start = text.split(None, 1)[0][:20]
        return _Refused("not_json", f"not a search body: the text starts with {start!r}", "1:1", _ONE_OBJECT)
    if error.msg.startswith("Extra data"):
        rest = text[error.pos :].strip()[:20]
        return _Refused("trailing_text", f"text after the JSON object: {rest!r}", where, _ONE_OBJECT)
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        return _Refused("cut_short", "the JSON ends before it is closed", where, "write the body to its end")
    excerpt = text[error.pos : error.pos + 12]
    return _Refused(
        "not_json", f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}, found {excerpt!r}", where, "write strict JSON"
    )


def _position(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{line}:{column}"
