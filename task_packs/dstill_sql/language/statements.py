"""Answers as SQL: one statement that reads, parsed by sqlglot.

    read("SELECT name FROM drivers", "duckdb")     Select(…)
    read("DROP TABLE drivers", "duckdb")           raises NotOneQuery: "DROP is not a query"

A statement that `read` returns is shared: copy it before you change it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from dstill_sql.language.bounded_parser import parsed_tokens
from dstill_sql.language.dialects import Dialect

__all__ = ["LONGEST", "NotOneQuery", "first_line", "parsed", "place", "read"]

LONGEST = 20_000  # characters
_MOST_TOKENS = 4_000  # some chains take the parser a time that is quadratic in their length
_DEEPEST = 60  # open brackets
_MOST_PARTS = 64  # parts that are looked at for a place: each operator of a long chain may be a problem
_TOKEN = re.compile(r"<Token token_type: TokenType\.(\w+), text: (.*?), line: \d+, .*?>")
_MISSING_PART = re.compile(r"Required keyword: '\w+' missing for <class '(?:\w+\.)*(\w+)'>")


class NotOneQuery(ValueError):
    """The text is not one query. The message says what it is, and `pointer` where, as line:column, if that is known."""

    def __init__(self, what: str, pointer: str = "") -> None:
        super().__init__(what)
        self.pointer = pointer


def read(answer: str, dialect: Dialect) -> exp.Query:
    """The query that `answer` is. Raises NotOneQuery."""
    if len(answer) > LONGEST:
        raise NotOneQuery(f"the answer has {len(answer):,} characters (limit {LONGEST:,})")
    return parsed(answer, dialect)


@lru_cache(maxsize=8192)
def parsed(text: str, dialect: Dialect) -> exp.Query:
    """The query that a text of any length is: a printed one may be longer than the answer. Raises NotOneQuery."""
    if "\0" in text or not _is_text(text):
        raise NotOneQuery("the answer has a character that no text has")
    _check_depth(text)
    statements = _statements(text, dialect)
    if not statements:
        raise NotOneQuery("the answer is empty")
    if len(statements) > 1:
        raise NotOneQuery(f"these are {len(statements)} statements: write one", place(statements[1]))
    (statement,) = statements
    if not isinstance(statement, (exp.Select, exp.SetOperation)):
        raise NotOneQuery(f"{_kind(statement)} is not a query: write a SELECT")
    if not isinstance(statement, exp.SetOperation) and not statement.expressions:
        raise NotOneQuery("the SELECT selects nothing")
    for fetch in list(statement.find_all(exp.Fetch)):
        _as_limit(fetch)
    return statement


def _statements(answer: str, dialect: Dialect) -> list[exp.Expr]:
    """The statements that sqlglot reads. Raises NotOneQuery."""
    grammar = Grammar.get_or_raise(dialect)
    try:
        tokens = grammar.tokenize(answer)
        if len(tokens) > _MOST_TOKENS:
            raise NotOneQuery(f"the answer has {len(tokens):,} words and signs (limit {_MOST_TOKENS:,})")
        parsed = parsed_tokens(tokens, answer, grammar)
    except SqlglotError as error:
        what, pointer = _parser_said(error)
        raise NotOneQuery(f"not SQL: {what}", pointer) from None
    except RecursionError:
        raise NotOneQuery("the query is nested too deeply") from None
    except NotOneQuery:
        raise
    except Exception as error:  # what sqlglot does not foresee raises anything
        raise NotOneQuery(f"not SQL: {first_line(error)}") from None
    return [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]


def _as_limit(fetch: exp.Fetch) -> None:
    """``FETCH FIRST 3 ROWS ONLY`` as ``LIMIT 3``, so that nobody else has to know both."""
    options = fetch.args.get("limit_options")
    if options is None or not (options.args.get("percent") or options.args.get("with_ties")):
        fetch.replace(exp.Limit(expression=fetch.args.get("count") or exp.Literal.number(1)))


def first_line(error: Exception) -> str:
    """The first line of an error of sqlglot, without the marks for a terminal and names of its own classes."""
    lines = str(error).replace("\033[4m", "").replace("\033[0m", "").splitlines()
    if not lines:
        return type(error).__name__
    return _plain(lines[0])


def _plain(text: str) -> str:
    """A message of sqlglot, without names of its own classes."""
    text = _TOKEN.sub(lambda match: "the end" if match[1] == "SENTINEL" else f"'{match[2]}'", text)
    return _MISSING_PART.sub(lambda match: f"{match[1].upper()} lacks a part", text).rstrip(".")


def place(node: exp.Expr) -> str:
    """Where a part of a query begins in its text, as line:column. Empty: not known.

    sqlglot knows the places of names, functions and literals; of a larger part, the first of these counts.
    """
    known = [meta.meta for meta in islice(node.dfs(), _MOST_PARTS) if "start" in meta.meta]
    first = min(known, key=lambda meta: int(meta["start"]), default=None)
    if first is None:
        return ""
    # sqlglot counts the column of the last character
    return f"{first['line']}:{max(1, first['col'] - (first['end'] - first['start']))}"


def _parser_said(error: SqlglotError) -> tuple[str, str]:
    """The fault of a text, and where it is, as line:column."""
    facts = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    line, column, message = facts.get("line"), facts.get("col"), facts.get("description")
    if not isinstance(line, int) or not isinstance(column, int) or not message:
        return first_line(error), ""
    return _plain(message), f"{line}:{max(1, column - len(facts.get('highlight') or ' ') + 1)}"


def _is_text(answer: str) -> bool:
    """Whether it has no half of a surrogate pair, which no engine can be sent."""
    try:
        answer.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_depth(answer: str) -> None:
    depth = 0
    for char in answer:
        depth += (char == "(") - (char == ")")
        if depth > _DEEPEST:
            raise NotOneQuery(f"the query has more than {_DEEPEST} open brackets")
    if answer.count("[") + answer.count("{") > _DEEPEST:  # the parser takes far too long for a[1][1][1]…
        raise NotOneQuery(f"the query has more than {_DEEPEST} square or curly brackets")


def _kind(statement: exp.Expr) -> str:
    if isinstance(statement, exp.Command):
        return str(statement.this).upper()
    if isinstance(statement, (exp.Condition, exp.Alias)):
        return "an expression"
    return statement.key.upper()
