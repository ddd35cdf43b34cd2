"""The first difference between a body and its gold: what docs/evaluation.md calls the labels of a comparison.

    cause('{"query": {"term": {"user": "uma"}}}', '{"query": {"term": {"host": "uma"}}}')
    → Cause(label="wrong field", detail="terms user [\"uma\"], not terms host [\"uma\"]")

Both sides are taken as bags of leaves (`leaves.py`). Conditions that only one side has are paired, the most alike
first: what a pair differs in is its label. Of all differences the first in the order of `LABELS` is the cause; equal
canonical forms have none. Not covered: differences that the mapping alone tells, as "503" for 503.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from typing import Any, Iterable, Iterator, Mapping

from dstill.api.records import Cause
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.language import strict
from dstill_querydsl.language.clause_leaves import Leaf, conditions, groups, page, parts, sort

__all__ = ["LABELS", "cause", "clauses"]

FIELD, OPERATOR, VALUE, CONTEXT = "wrong field", "wrong operator", "wrong value", "wrong context"
MISSING, EXTRA, AGGREGATION, SORT, SIZE = "missing clause", "extra clause", "aggregation", "sort", "size"
DATES = "date maths"
LABELS = (FIELD, OPERATOR, VALUE, CONTEXT, MISSING, EXTRA, AGGREGATION, SORT, SIZE, DATES)

_TIME = re.compile(r'"(?P<date>now|.*?\|\||\d{4}[-/.\d:TZ+ ]*)(?P<maths>(?:[+-]\d*[yMwdhHms]|/[yMwdhHms])*)"')

SHAPES = (AttributeError, TypeError, KeyError, IndexError, ValueError)  # of bodies that no check would let pass

Pair = tuple[Leaf, Leaf]  # what was written, and what the gold has


def cause(got: str, want: str) -> Cause | None:
    """Of two bodies. None where nothing differs."""
    if canonical_text(got) == canonical_text(want):
        return None
    try:
        found = list(_differences(strict.read(got).value or {}, strict.read(want).value or {}))
    except SHAPES:
        return Cause(label=VALUE, detail="a shape that nothing else can be said of")
    return min(found, key=lambda one: LABELS.index(one.label)) if found else Cause(label=CONTEXT, detail="scores")


def clauses(answer: str) -> list[str] | None:
    """The leaves of an answer, each as a text; None where it is no body or refusal."""
    body = strict.read(answer).value
    try:
        return None if body is None else [str(leaf) for leaf in parts(body)]
    except SHAPES:
        return None


def _differences(written: Mapping[str, Any], gold: Mapping[str, Any]) -> Iterator[Cause]:
    yield from _of_conditions(*_apart(conditions(written), conditions(gold)))
    for label, read in ((AGGREGATION, groups), (SORT, sort), (SIZE, page)):
        extra, missing = _apart(read(written), read(gold))
        if extra or missing:
            yield Cause(label=label, detail=_told(extra, missing))


def _apart(written: Iterable[Leaf], gold: Iterable[Leaf]) -> tuple[list[Leaf], list[Leaf]]:
    """What only one side has, as bags."""
    ours, theirs = Counter(written), Counter(gold)
    return sorted((ours - theirs).elements()), sorted((theirs - ours).elements())


def _of_conditions(extra: list[Leaf], missing: list[Leaf]) -> Iterator[Cause]:
    for pair in _pairs(extra, missing):
        extra.remove(pair[0])
        missing.remove(pair[1])
        yield Cause(label=_label(*pair), detail=f"{pair[0]}, not {pair[1]}")
    yield from (Cause(label=MISSING, detail=str(leaf)) for leaf in missing if leaf.operator != "match_all")
    yield from (Cause(label=EXTRA, detail=str(leaf)) for leaf in extra if leaf.operator != "match_all")


def _pairs(extra: Iterable[Leaf], missing: Iterable[Leaf]) -> Iterator[Pair]:
    """Conditions that stand for each other, the most alike first, each once."""
    found = sorted(
        (pair for pair in product(extra, missing) if _stand_for_each_other(*pair)),
        key=lambda pair: (-_alike(*pair), LABELS.index(_label(*pair)), pair),
    )
    ours, theirs = Counter(extra), Counter(missing)
    for one, other in found:
        if ours[one] and theirs[other]:
            ours[one] -= 1
            theirs[other] -= 1
            yield one, other


def _stand_for_each_other(one: Leaf, other: Leaf) -> bool:
    """On one field; or in one context, asking in the same way or for the same value."""
    if "match_all" in (one.operator, other.operator):
        return False
    if _one_field(one, other):
        return True
    said = one.value == other.value and one.value != ""
    return one.context == other.context and (one.kind == other.kind or said)


def _one_field(one: Leaf, other: Leaf) -> bool:
    """The same, or one a sub-field of the other that is asked in another way."""
    short, long = sorted((one.field, other.field), key=len)
    return one.field == other.field or (long.startswith(f"{short}.") and one.kind != other.kind)


def _alike(one: Leaf, other: Leaf) -> float:
    """Parts in common; an end of a range is half another."""
    operators = 1.0 if one.operator == other.operator else 0.5 * (one.kind == other.kind)
    return operators + (one.context == other.context) + (one.field == other.field) + (one.value == other.value)


def _label(one: Leaf, other: Leaf) -> str:
    if not _one_field(one, other):
        return FIELD
    if one.operator != other.operator:
        return OPERATOR
    if one.value != other.value:
        return DATES if _other_maths(one.value, other.value) else VALUE
    return CONTEXT


def _other_maths(one: str, other: str) -> bool:
    """Whether two times differ in what is reckoned from a date, not in the date."""
    times = _TIME.fullmatch(one), _TIME.fullmatch(other)
    if times[0] is None or times[1] is None:
        return False
    dates = [time["date"].removesuffix("||") for time in times if time is not None]
    return dates[0] == dates[1] or "now" in dates


def _told(extra: Iterable[Leaf], missing: Iterable[Leaf]) -> str:
    has, lacks = ("; ".join(map(str, leaves)) for leaves in (extra, missing))
    return ", ".join(part for part in (has, lacks and f"not {lacks}") if part)
