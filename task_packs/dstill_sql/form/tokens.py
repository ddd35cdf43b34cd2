"""The pieces of structure that queries are written with.

    "where" "order" "desc"     clauses; what a clause holds follows without commas
    "eq" "sum" "trunc:month"   conditions, functions and operators, in front of what they are of
    ")"                        the end of a list or of an inner query; those at the end of an answer are left out
    "via" "copy" "outer"       how the table of the next column is reached
    "#1" ".1"                  the first column of this SELECT, and of the query in its FROM
    "first" "next" "last"      of a day, month or year: its first day, the day after it, its last day
    "..", "known", "*1000"     a span of words, a known value that has these words, a number in another unit
    "'a" "%c" '"'              a character, half a byte of one that has no token, and the end of a spelled value
    "=100.0"                   a number that questions imply
    "refuse"                   a refusal, followed by what is missing

`vocabulary.json` has the version and the order, which is part of every trained student: new tokens go to the end.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from dstill.linked.scalars import Notation
from dstill.linked.tokens import CHARACTERS, HALVES
from dstill_sql.form.functions import FUNCTIONS

__all__ = [
    "COMPARISONS",
    "CONDITIONS",
    "CONSTANTS",
    "COPIES",
    "DIVISORS",
    "ENDINGS",
    "FIXED_TEXTS",
    "INNER",
    "NOTATION",
    "OUTPUTS",
    "PATTERNS",
    "PERIODS",
    "RANKS",
    "SETS",
    "all_tokens",
    "tokens",
]

# Conditions of two sides, and how SQL writes them.
COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# Conditions on a text: operator, and what is around the text.
PATTERNS = {
    "has": ("LIKE", "%", "%"),
    "starts": ("LIKE", "", "%"),
    "ends": ("LIKE", "%", ""),
    "like": ("LIKE", "", ""),
    "ihas": ("ILIKE", "%", "%"),
    "istarts": ("ILIKE", "", "%"),
    "iends": ("ILIKE", "%", ""),
    "ilike": ("ILIKE", "", ""),
}
CONDITIONS = (*COMPARISONS, *PATTERNS, "between", "during", "in", "null", "filled", "exists", "and", "or", "not", "is")
SETS = {"union": "UNION", "union_all": "UNION ALL", "intersect": "INTERSECT", "except": "EXCEPT"}
RANKS = {"row_number": "ROW_NUMBER()", "rank": "RANK()", "dense_rank": "DENSE_RANK()"}
FIXED_TEXTS = {"true": "TRUE", "false": "FALSE", "null_": "NULL", "empty": "''"}
CONSTANTS = {
    f"={text}": text
    for text in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12", "20", "24", "30", "50", "60", "90",
                 "100", "200", "365", "500", "1000", "1.0", "100.0", "0.5", "0.25", "0.75", "0.9", "0.95", "0.99")
}  # fmt: skip
FACTORS = (60, 100, 1_000, 3_600, 60_000, 86_400, 10**6, 3_600_000, 86_400_000, 10**9)
DIVISORS = {"/10": 10, "/100": 100, "/1000": 1_000}
PERIODS = ("first", "next", "last")
ENDINGS = (" 00:00:00", " 23:59:59")  # of a time of day
NOTATION = Notation(suffixes=ENDINGS, factors=FACTORS)
COPIES = ("copy", "copy3")  # the second and the third time that FROM has a table
OUTPUTS = tuple(f"#{place}" for place in range(1, 13))
INNER = tuple(f".{place}" for place in range(1, 13))


def all_tokens() -> tuple[str, ...]:
    """Every token that there is, in no particular order."""
    return (
        *("refuse", "distinct", "from", "join", "left_join", "select", "of", "with", "left", "where", "by", "group"),
        *("having", "order", "desc", "nulls_first", "nulls_last", "limit", "offset", ")", "via", "outer", *COPIES),
        *SETS,
        *OUTPUTS,
        *INNER,
        *CONDITIONS,
        *("query", "unique", "filter", "case", "else", "window", "part", *RANKS, "*"),
        *FUNCTIONS,
        *FIXED_TEXTS,
        *CONSTANTS,
        *(f"*{factor}" for factor in FACTORS),
        *DIVISORS,
        *PERIODS,
        *(f"+{ending}" for ending in ENDINGS),
        *("..", "known", "number", "text", "page", '"'),
        *(f"'{character}" for character in CHARACTERS),
        *HALVES,
    )


@cache
def tokens() -> tuple[str, ...]:
    """The vocabulary in its order."""
    text = files("dstill_sql.form").joinpath("vocabulary.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["tokens"])
