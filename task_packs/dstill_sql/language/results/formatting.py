"""A query as people read and run it: in lines and colours, and in the forms of other programs.

    highlight("SELECT count(*) FROM trips", "duckdb")   [("keyword", "SELECT"), ("", " count(*) "), …]
    snippets("SELECT 1", "trips", "duckdb")             [("DuckDB", "duckdb trips.duckdb -readonly -c 'SELECT 1'"), …]

Only the white space between tokens changes, so the query stays what was checked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from dstill_sql.language.dialects import Dialect

__all__ = ["highlight", "snippets"]

LONG = 60  # characters; a shorter query stays on one line
JOIN_WORDS = ("LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER", "JOIN", "POSITIONAL", "ASOF")
BEGINNING = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "QUALIFY", "ORDER BY", "LIMIT"),
    *("UNION", "EXCEPT", "INTERSECT"),
)
NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
KINDS = {TokenType.STRING: "string", TokenType.NUMBER: "number"}

Part = tuple[str, str]


def highlight(answer: str, dialect: Dialect) -> list[Part]:
    """The parts of a query, each clause of the outermost level on a line of its own. Other text is one part."""
    try:
        tokens = SqlglotDialect.get_or_raise(dialect).tokenize(answer)
    except SqlglotError:
        return [("", answer)]
    return list(_parts(answer, tokens)) or [("", answer)]


def _parts(answer: str, tokens: Sequence[Token]) -> Iterator[Part]:
    end, depth = 0, 0
    for number, token in enumerate(tokens):
        between = answer[end : token.start]
        word, before = token.text.upper(), tokens[number - 1].text.upper() if number else ""
        if len(answer) > LONG and number and not depth and between.isspace() and _begins(word, before):
            between = "\n"
        if between:
            yield ("" if between.isspace() else "comment"), between
        end = token.end + 1
        yield _kind(token), answer[token.start : end]
        depth += (word == "(") - (word == ")")
    if answer[end:]:
        yield ("" if answer[end:].isspace() else "comment"), answer[end:]


def _begins(word: str, before: str) -> bool:
    """Whether a clause begins with `word`, which stands after the token `before`."""
    if word in JOIN_WORDS:
        return before not in JOIN_WORDS
    return word in BEGINNING and before != "DISTINCT"  # IS DISTINCT FROM


def _kind(token: Token) -> str:
    if token.token_type in KINDS:
        return KINDS[token.token_type]
    return "keyword" if token.text[:1].isalpha() and token.token_type not in NAMES else ""


def snippets(answer: str, name: str, dialect: Dialect) -> Iterator[Part]:
    """The name of each way to run a query, and its text. A shell gets it as one quoted word."""
    query = "".join(text for _, text in highlight(answer, dialect))
    quoted, code = shlex.quote(query).replace("'\"'\"'", "'\\''"), _literal(query)
    if dialect == "postgres":
        yield "psql", f"psql {shlex.quote(f'dbname={name}')} -c {quoted}"
        address = f"dbname={name}"
        connected = f"import psycopg\n\nconnection = psycopg.connect({address!r})\nrows = connection"
    elif dialect == "sqlite":
        yield "sqlite3", f"sqlite3 -readonly {shlex.quote(f'{name}.sqlite')} {quoted}"
        address = f"file:{name}.sqlite?mode=ro"
        connected = f"import sqlite3\n\nconnection = sqlite3.connect({address!r}, uri=True)\nrows = connection"
    else:
        yield "duckdb", f"duckdb -readonly {shlex.quote(f'{name}.duckdb')} -c {quoted}"
        file = f"{name}.duckdb"
        connected = f"import duckdb\n\nconnection = duckdb.connect({file!r}, read_only=True)\nrows = connection"
    yield "Python", f"{connected}.execute({code}).fetchall()"


def _literal(query: str) -> str:
    """`query` as a literal of Python, on several lines if none of its characters needs an escape."""
    is_plain = "\\" not in query and '"""' not in query and not query.endswith('"') and query.isascii()
    return f'"""\n{query}\n"""' if is_plain and "\n" in query else repr(query)
