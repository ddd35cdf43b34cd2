"""The statements of an SQL file. A comment says which database the ones after it are about.

    -- dstill: database=trips
    SELECT name FROM drivers;
    SELECT COUNT(*) FROM trips;

    list(answers(text, "duckdb"))     [FileAnswer(start=26, end=50, context={"db": "trips"}), FileAnswer(…)]

A text with an open quote or comment is one answer, whose problem says where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dstill.api.answer_files import FileAnswer
from dstill_sql.language.dialects import Dialect

__all__ = ["SUFFIXES", "answers", "has_answers"]

SUFFIXES = (".sql",)

_DATABASE = re.compile(r"^[ \t]*--[ \t]*dstill:[ \t]*database[ \t]*=[ \t]*(?P<name>[^\s,]+)", re.MULTILINE)
_QUERY = re.compile(r"[\s(]*(?:select|with|from)\b", re.IGNORECASE)


def has_answers(text: str, dialect: Dialect) -> bool:
    """Whether one of the statements reads: many files only define or change tables."""
    return any(_QUERY.match(text, answer.start) for answer in answers(text, dialect))


def answers(text: str, dialect: Dialect) -> Iterator[FileAnswer]:
    """The statements of a file, without the comments before and after them."""
    context: Mapping[str, Any] = {}
    behind = 0  # the end of the statement before
    for start, end in _spans(text, dialect):
        for match in _DATABASE.finditer(text, behind, start):
            context = {"db": match["name"]}
        behind = end
        yield FileAnswer(start=start, end=end, context=context)


def _spans(text: str, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Start and end of each statement."""
    from sqlglot import Dialect as Grammar
    from sqlglot import TokenType
    from sqlglot.errors import SqlglotError

    try:
        tokens = Grammar.get_or_raise(dialect).tokenize(text)
    except (SqlglotError, RecursionError):
        yield len(text) - len(text.lstrip()), len(text.rstrip())
        return
    start = end = None
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if start is not None and end is not None:
                yield start, end
            start = end = None
        else:
            start, end = token.start if start is None else start, token.end + 1
    if start is not None and end is not None:
        yield start, end
