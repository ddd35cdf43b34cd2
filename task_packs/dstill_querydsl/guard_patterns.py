"""Can a regular expression begin with an unbounded repeat? Such a pattern reads every term of the index.

In: a pattern in the syntax of Lucene. Out: whether it opens so, by any of its alternatives:

    leads_open(".*foo")          -> True
    leads_open("(a|[^q]+)foo")   -> True, also groups and classes under * or +
    leads_open("[Jj]ohn.*")      -> False: every match begins with one of two letters

A repeat of one plain character (``a+b``) leads nowhere else, and is none. What cannot be read is open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["leads_open"]

_COUNT = re.compile(r"\{(\d{0,9})(,?)(\d{0,9})\}")
_ATOM = re.compile(r'\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|"[^"]*"|<\d+-\d+>|.', re.DOTALL)
_ENOUGH = 100  # a repeat of up to so many is taken for one without end
_DEPTH = 40


@dataclass(frozen=True)
class _Part:
    """What the beginning of a part of a pattern does."""

    end: int
    open: bool = False  # it can begin with an unbounded repeat
    passes: bool = False  # it can match nothing, or anything: what follows counts as a beginning too


def leads_open(pattern: str) -> bool:
    # Refused as a leading ? of wildcards is.
    if pattern[:2] in (".?", ".{"):
        return True
    return _alternatives(pattern, 0, 0).open


def _alternatives(pattern: str, at: int, depth: int) -> _Part:
    """From `at` to the closing parenthesis or the end; ``&`` is read as ``|`` is."""
    if depth > _DEPTH:
        return _Part(len(pattern), open=True)
    opened, passed, leading = False, False, True
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] in "|&":
            passed, leading, at = passed or leading, True, at + 1
            continue
        atom = _repeated(pattern, at, depth)
        opened = opened or (leading and atom.open)
        leading, at = leading and atom.passes, atom.end
    return _Part(at, opened, passed or leading)


def _repeated(pattern: str, at: int, depth: int) -> _Part:
    """One character, class or group with the repeats behind it."""
    if pattern[at] == "(":
        inner = _alternatives(pattern, at + 1, depth + 1)
        end, plain = inner.end + 1, False
    else:
        text = _ATOM.match(pattern, at)[0]  # type: ignore[index]  # its last branch matches any character
        end, plain = at + len(text), not _is_class(text)
        inner = _Part(end, open=text in ("@", "~"), passes=_is_nearly_all(text) or text == '""')
    unbounded, optional = False, False
    while (repeat := _repeat(pattern, end)) is not None:
        end, low, high = repeat
        unbounded, optional = unbounded or high > _ENOUGH, optional or low == 0
    return _Part(end, inner.open or (unbounded and not plain), inner.passes or optional)


def _is_class(text: str) -> bool:
    return text == "." or (text[0] == "[" and len(text) > 1) or text in ("\\w", "\\d", "\\s", "\\W", "\\D", "\\S")


def _is_nearly_all(text: str) -> bool:
    return text == "." or text.startswith("[^") or text in ("\\W", "\\D", "\\S")


def _repeat(pattern: str, at: int) -> tuple[int, int, float] | None:
    """The repeat that stands at `at`, if one does: its end, and how often at least and at most."""
    sign = pattern[at : at + 1]
    if sign and sign in "*+?":
        return at + 1, int(sign == "+"), 1 if sign == "?" else float("inf")
    count = _COUNT.match(pattern, at)
    if count is None:
        return None
    low = int(count[1] or 0)
    return count.end(), low, int(count[3]) if count[3] else float("inf") if count[2] else low
