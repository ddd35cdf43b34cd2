"""Whether a person would take a result for the answer to the question, though it is not the reference's.

    accepts(got, want, "Who is the oldest driver?", "SELECT name FROM drivers WHERE age = (SELECT MAX …", "sqlite")

`compare.same` says when results are equal. Beyond that, unless the question speaks of it,

- further columns do not count, if those of the reference are there, and their rows belong together;
- rows that repeat do not count, if one of the two results has none; but they do where the question says "distinct",
  "different", "each" or the like;
- the order of the rows within a LIMIT does not count: "the three oldest". Without LIMIT, ORDER BY always counts;
- a row of NULLs is as good as no row;
- of rows that tie, those that LIMIT took are enough where the reference has all that have its MAX or MIN.

A column of the reference that is missing, or another one in its place, is never accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from sqlglot import exp

from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results.compare import is_result, plain_rows, same
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["accepts"]

Result = Mapping[str, Any]
_OF_REPEATS = re.compile(r"\b(distinct|different|unique|each|every|per|repeat\w*|duplicat\w*)\b", re.IGNORECASE)
_OF_ORDER = re.compile(
    r"\b(order\w*|sort\w*|rank\w*|(a|de)scending|(in|de)creasing|alphabetical\w*|lexicographical\w*)\b", re.IGNORECASE
)
_WAYS = 50  # of choosing columns
_DIGITS = 8  # of fractions, while columns are chosen


def accepts(got: Any, want: Any, question: str, gold: str, dialect: Dialect) -> bool:
    """Whether `got` answers the question as well as `want` does, the result of the query `gold`."""
    if same(got, want):
        return True
    if not is_result(got) or not is_result(want):
        return False
    if not want["rows"]:
        return all(cell is None for row in got["rows"] for cell in row)
    query, repeats = _read(gold, dialect), _OF_REPEATS.search(question) is not None
    if query is not None and query.args.get("limit") is not None and not _OF_ORDER.search(question):
        want = _without_order(want)
    wholes = [_alone(got)]
    if query is not None and query.find(exp.Max, exp.Min):
        wholes.append(_with_ties(got))
    return any(
        same(shown, want) or (not repeats and _same_once(shown, want))
        for whole in wholes
        for shown in islice(_choices(whole, want), _WAYS)
    )


def _same_once(got: Result, want: Result) -> bool:
    """Whether the results are the same without repeated rows, which one of them has not."""
    theirs, ours = _once(got), _once(want)
    one_repeats_none = len(theirs["rows"]) == len(got["rows"]) or len(ours["rows"]) == len(want["rows"])
    return one_repeats_none and same(theirs, ours)


def _read(gold: str, dialect: Dialect) -> exp.Query | None:
    try:
        return read(gold, dialect)
    except NotOneQuery:
        return None


def _without_order(result: Result) -> Result:
    """The result as if all its rows tied."""
    return result if result["keys"] is None else {**result, "keys": [[]] * len(result["rows"])}


def _once(result: Result) -> Result:
    """The result without rows that repeat an earlier one. A page with rows that tie stays as it is."""
    if result["pool"] or result.get("before"):
        return result
    first = {row: place for place, row in reversed(list(enumerate(plain_rows(result["rows"]))))}
    places = sorted(first.values())
    keys = result["keys"]
    return {
        **result,
        "rows": [result["rows"][place] for place in places],
        "keys": None if keys is None else [keys[place] for place in places],
    }


def _alone(got: Result) -> Result:
    """The rows of an answer, without those that LIMIT cut off."""
    ordered = got.get("ordered", got["keys"] is not None)
    return {**got, "keys": None, "pool": [], "before": [], "ordered": ordered}


def _with_ties(got: Result) -> Result:
    """The rows of an answer, and all that tie where its LIMIT cut."""
    beside = [] if got["keys"] is None else [*got["pool"], *got.get("before", ())]
    return _alone({**got, "rows": [*got["rows"], *beside], "keys": None, "ordered": _alone(got)["ordered"]})


def _choices(got: Result, want: Result) -> Iterator[Result]:
    """The result with as many columns as are wanted, for each choice that may have their values."""
    theirs = _columns(got["rows"], len(got["columns"]))
    ours = _columns(want["rows"], len(want["columns"]))
    beside = _columns([*want["pool"], *want.get("before", ())], len(want["columns"]))
    may = [
        [place for place, values in enumerate(theirs) if values <= wanted | free]
        for wanted, free in zip(ours, beside, strict=True)
    ]
    tried = set()
    for choice in islice(product(*may), _WAYS * _WAYS):
        places = tuple(sorted(choice))
        if len(set(places)) == len(ours) and places not in tried:
            tried.add(places)
            yield {
                **got,
                "columns": [got["columns"][place] for place in places],
                "rows": [[row[place] for place in places] for row in got["rows"]],
            }


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[set[Any]]:
    """The values of each column."""
    plain = plain_rows(rows)
    return [{_rounded(row[place]) for row in plain} for place in range(width)]


def _rounded(value: Any) -> Any:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else value
