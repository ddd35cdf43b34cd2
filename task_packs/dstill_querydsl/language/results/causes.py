r"""The most important difference between a body and its gold, as a label (docs/evaluation.md).

    cause('{"query": {"term": {"user": "uma"}}}', '{"query": {"term": {"host": "uma"}}}')
    → Cause(label="wrong field", detail="terms user [\"uma\"], not terms host [\"uma\"]")

Both sides are multisets of leaves (`language.clause_leaves`). Conditions that only one side has are paired, most
similar first, and the difference of a pair is its label. The cause is the first of all differences in the order of
`LABELS`. Bodies with equal canonical forms have no cause. Not covered: differences that only the mapping shows, such as
"503" for 503.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from dstill.api.records import Cause
from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.clause_leaves import Leaf, conditions, groups, page, parts, sort

__all__ = ["LABELS", "cause", "clauses"]

FIELD, OPERATOR, VALUE, CONTEXT = "wrong field", "wrong operator", "wrong value", "wrong context"
MISSING, EXTRA, AGGREGATION, SORT, SIZE = "missing clause", "extra clause", "aggregation", "sort", "size"
DATES = "date maths"
LABELS = (FIELD, OPERATOR, VALUE, CONTEXT, MISSING, EXTRA, AGGREGATION, SORT, SIZE, DATES)

_TIME = re.compile(r'"(?P<date>now|.*?\|\||\d{4}[-/.\d:TZ+ ]*)(?P<maths>(?:[+-]\d*[yMwdhHms]|/[yMwdhHms])*)"')

MALFORMED = (AttributeError, TypeError, KeyError, IndexError, ValueError)  # raised for bodies that no check passes

Pair = tuple[Leaf, Leaf]  # of the answer, and of the gold


def cause(got: str, want: str) -> Cause | None:
    """The cause of the difference between two bodies. None if they do not differ."""
    if canonical_text(got) == canonical_text(want):
        return None
    try:
        causes = list(_differences(strict.read(got).value or {}, strict.read(want).value or {}))
    except MALFORMED:
        return Cause(label=VALUE, detail="a malformed body")
    return min(causes, key=lambda entry: LABELS.index(entry.label)) if causes else Cause(label=CONTEXT, detail="scores")


def clauses(answer: str) -> list[str] | None:
    """The leaves of an answer as texts. None if it is neither a body nor a refusal."""
    body = strict.read(answer).value
    try:
        return None if body is None else [str(leaf) for leaf in parts(body)]
    except MALFORMED:
        return None


def _differences(written: Mapping[str, Any], gold: Mapping[str, Any]) -> Iterator[Cause]:
    yield from _for_conditions(*_unmatched(conditions(written), conditions(gold)))
    for label, read in ((AGGREGATION, groups), (SORT, sort), (SIZE, page)):
        extra, missing = _unmatched(read(written), read(gold))
        if extra or missing:
            yield Cause(label=label, detail=_difference(extra, missing))


def _unmatched(written: Iterable[Leaf], gold: Iterable[Leaf]) -> tuple[list[Leaf], list[Leaf]]:
    """The leaves that only one side has."""
    ours, theirs = Counter(written), Counter(gold)
    return sorted((ours - theirs).elements()), sorted((theirs - ours).elements())


def _for_conditions(extra: list[Leaf], missing: list[Leaf]) -> Iterator[Cause]:
    for pair in _pairs(extra, missing):
        extra.remove(pair[0])
        missing.remove(pair[1])
        yield Cause(label=_label(*pair), detail=f"{pair[0]}, not {pair[1]}")
    yield from (Cause(label=MISSING, detail=str(leaf)) for leaf in missing if leaf.operator != "match_all")
    yield from (Cause(label=EXTRA, detail=str(leaf)) for leaf in extra if leaf.operator != "match_all")


def _pairs(extra: Iterable[Leaf], missing: Iterable[Leaf]) -> Iterator[Pair]:
    """Pairs of conditions that replace each other, most similar first, each condition once."""
    pairs = sorted(
        (pair for pair in product(extra, missing) if _correspond(*pair)),
        key=lambda pair: (-_similarity(*pair), LABELS.index(_label(*pair)), pair),
    )
    ours, theirs = Counter(extra), Counter(missing)
    for left, right in pairs:
        if ours[left] and theirs[right]:
            ours[left] -= 1
            theirs[right] -= 1
            yield left, right


def _correspond(leaf: Leaf, other: Leaf) -> bool:
    """Whether both are on the same field, or in the same context with the same operator or value."""
    if "match_all" in (leaf.operator, other.operator):
        return False
    if _same_field(leaf, other):
        return True
    same_value = leaf.value == other.value and leaf.value != ""
    return leaf.context == other.context and (leaf.kind == other.kind or same_value)


def _same_field(leaf: Leaf, other: Leaf) -> bool:
    """Whether the fields are the same, or one is a sub-field of the other with another operator."""
    short, long = sorted((leaf.field, other.field), key=len)
    return leaf.field == other.field or (long.startswith(f"{short}.") and leaf.kind != other.kind)


def _similarity(leaf: Leaf, other: Leaf) -> float:
    """The number of equal parts. Two bounds of a range count as half equal."""
    operators = 1.0 if leaf.operator == other.operator else 0.5 * (leaf.kind == other.kind)
    return operators + (leaf.context == other.context) + (leaf.field == other.field) + (leaf.value == other.value)


def _label(leaf: Leaf, other: Leaf) -> str:
    if not _same_field(leaf, other):
        return FIELD
    if leaf.operator != other.operator:
        return OPERATOR
    if leaf.value != other.value:
        return DATES if _differ_in_maths(leaf.value, other.value) else VALUE
    return CONTEXT


def _differ_in_maths(text: str, other: str) -> bool:
    """Whether two times differ in the date maths after the date, not in the date."""
    times = _TIME.fullmatch(text), _TIME.fullmatch(other)
    if times[0] is None or times[1] is None:
        return False
    dates = [time["date"].removesuffix("||") for time in times if time is not None]
    return dates[0] == dates[1] or "now" in dates


def _difference(extra: Iterable[Leaf], missing: Iterable[Leaf]) -> str:
    has, lacks = ("; ".join(map(str, leaves)) for leaves in (extra, missing))
    return ", ".join(part for part in (has, lacks and f"not {lacks}") if part)
