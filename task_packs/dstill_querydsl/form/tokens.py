"""The pieces of structure that bodies are written with.

    "{" "}" "[" "]"            objects and lists; those at the end of an answer are left out
    "query:"                   a key of the body
    "#0"                       the first aggregation of a level
    "=desc"                    a choice of the schema, or another value that questions imply: "=true", "=0", "=now/d"
    ".." "," "*1000" "page"    a span of words, the next value, a unit, the rows before a page
    "+||+1d" "'a"              an affix of a value, and one character that no word of the question has
    "%c" "%3"                  the halves of one byte in UTF-8, of a character that has no token
    "=" ":"                    an empty text; before and after a key that is spelled like a value
    "number" "text"            the next value is that, although its place says otherwise
    "known"                    the next words are a part of a known value of the field
    "refuse"                   a refusal, followed by what is missing

Frequent sequences are merged into one token (byte pair encoding, Sennrich et al. 2016). The order of the vocabulary is
part of every trained student: new tokens go to the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, TypeGuard

from dstill.api.form import Token
from dstill.linked.scalars import Notation
from dstill.linked.tokens import CHARACTERS, HALVES

__all__ = [
    "AFFIXES",
    "CONSTANTS",
    "FACTORS",
    "JOIN",
    "LEVELS",
    "MARKS",
    "NOTATION",
    "forget",
    "learn_merges",
    "merged",
    "split",
    "tokens",
]

MARKS = ("{", "}", "[", "]", "..", ",", "page", "number", "text", "known", "refuse")
CONSTANTS = {
    "=true": True,
    "=false": False,
    "=null": None,
    **{f"={n}": n for n in (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600, 1000, 10_000, 10**6, 10**9)},
    **{f"={text}": text for text in (
        "now", *(f"now/{unit}" for unit in "hdwMy"), *(f"now-1{unit}/{unit}" for unit in "hdwMy"),
        *(f"now-1{unit}" for unit in "hdwMy"), "now-24h", "now-7d", "now-30d", "now-90d", "now+1d/d",
        "strict_date_optional_time", "epoch_millis", "epoch_second", "yyyy-MM-dd", "yyyy-MM", "yyyy",
    )},
}  # fmt: skip
LEVELS = tuple(f"#{number}" for number in range(10))
FACTORS = (
    60, 100, 1_000, 1_440, 3_600, 60_000, 86_400, 10**6, 3_600_000, 60 * 10**6, 86_400_000, 10**9, 3_600 * 10**6,
    60 * 10**9, 86_400 * 10**6, 3_600 * 10**9, 86_400 * 10**9,
)  # fmt: skip
PREFIXES = ("now-", "now+", "*")
SUFFIXES = (
    *(f"||+1{unit}" for unit in "dwMy"), *(f"||/{unit}" for unit in "dwMy"), *(f"{unit}/{unit}" for unit in "hdwMy"),
    "*", "km", "mi", "m", "s", "h", "d", "w", "M", "y", "-01", "-01-01", "-01||+1M", "-01-01||+1y", ".keyword", "||-1d",
)  # fmt: skip
AFFIXES = (*PREFIXES, *SUFFIXES)
NOTATION = Notation(prefixes=PREFIXES, suffixes=SUFFIXES, factors=FACTORS)
_OTHERS = ("_count:", "_key:", "=", ":", *HALVES)
JOIN = "\x1f"  # between the parts of a merged token
_LONGEST = 14  # parts of one merged token


@cache
def _vocabulary() -> dict[str, list[Any]]:
    """``{"keys": […], "choices": […], "merges": [[one, other], …]}``, as tools/base/querydsl/vocabulary.py makes it."""
    text = files("dstill_querydsl.form").joinpath("vocabulary.json").read_text(encoding="utf-8")
    table: dict[str, list[Any]] = json.loads(text)
    return table


@cache
def tokens() -> tuple[str, ...]:
    """The whole vocabulary."""
    known = _vocabulary()
    return (
        *MARKS,
        *CONSTANTS,
        *LEVELS,
        *(f"*{factor}" for factor in FACTORS),
        *(f"+{affix}" for affix in AFFIXES),
        *(f"'{character}" for character in CHARACTERS),
        *(f"{key}:" for key in known["keys"]),
        *(f"={choice}" for choice in known["choices"]),
        *_OTHERS,
        *(JOIN.join(pair) for pair in known["merges"]),
    )


def forget() -> None:
    """Read the vocabulary again, for the tool that writes it."""
    _vocabulary.cache_clear()
    tokens.cache_clear()


# --- merged tokens ----------------------------------------------------------------------


def merged(sequence: Sequence[Token]) -> list[Token]:
    """The sequence with frequent pairs merged, in the order in which they were learned."""
    result = list(sequence)
    for left, right in _vocabulary()["merges"]:
        _merge(result, left, right)
    return result


def _merge(sequence: list[Token], left: str, right: str) -> None:
    """Merge each such pair in place."""
    at = 0
    while at < len(sequence) - 1:
        if sequence[at] == left and sequence[at + 1] == right:
            sequence[at : at + 2] = [f"{left}{JOIN}{right}"]
        at += 1


def split(sequence: Iterable[Token]) -> list[Token]:
    """The sequence without merged tokens."""
    return [part for token in sequence for part in (token.split(JOIN) if isinstance(token, str) else (token,))]


def learn_merges(sequences: Iterable[Sequence[Token]], number: int) -> list[tuple[str, str]]:
    """The most frequent pairs of pieces of structure, one after the other."""
    counts = Counter(tuple(sequence) for sequence in sequences)
    rows = [(list(sequence), count) for sequence, count in counts.items()]
    merges: list[tuple[str, str]] = []
    for _ in range(number):
        pairs: Counter[tuple[str, str]] = Counter()
        for row, count in rows:
            for left, right in pairwise(row):
                if _merges(left) and _merges(right) and left.count(JOIN) + right.count(JOIN) + 2 <= _LONGEST:
                    pairs[left, right] += count
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        for row, _count in rows:
            _merge(row, *merges[-1])
    return merges


def _merges(token: Token) -> TypeGuard[str]:
    """Whether a token is structure alone: values differ too much to be merged."""
    return (
        isinstance(token, str)
        and token[0] not in "*+'%"
        and token not in ("..", ",", ":", "page", "number", "text", "known")
    )
