r"""Queries as EBNF, for students that write text: the names of the schema, and the functions of the linked form.

    grammar_of(database, limits).ebnf
    root ::= refusal | query
    …
    COLUMN ::= (("drivers" | …) ".")? ("id" | "name" | …)

It is about form and names: whether FROM has the table of a column, and types, are left to the checks. Not in it: WITH,
windows with frames, and joins other than JOIN and LEFT JOIN. There is no longest sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from dstill.api.records import Grammar
from dstill_sql.form.functions import FUNCTIONS
from dstill_sql.form.tokens import RANKS
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import SqlSchema, quoted
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import read

__all__ = ["grammar_of"]

_INNER = '"c" [1-9] | "n"'  # the columns of a query in FROM
_PART = re.compile(r"\{[01n]\}|[A-Za-z_0-9.]+|.")
_TEXT = '"\'" ([^\'\\x00-\\x1f] | "\'\'"){0,100} "\'"'


def grammar_of(database: Database, limits: Limits) -> Grammar:
    """The grammar of one database."""
    return Grammar(ebnf=_text(database.schema, limits))


@lru_cache(maxsize=64)
def _text(schema: SqlSchema, limits: Limits) -> str:
    rules = {
        "root": "refusal | query",
        "refusal": '"-- no answer" (": " REASON ("(missing: " MISSING ")")? | " (missing: " MISSING ")")?',
        "REASON": r"[^()\x00-\x1f]{1,100}",
        "MISSING": r"[^()\x00-\x1f]{1,100}",
        **_rules(schema.dialect, limits),
        **_names(schema, limits),
        "TEXT": _TEXT,
        "NUMBER": '"-"? [0-9]{1,15} ("." [0-9]{1,6})?',
        "ROWS": "[0-9]{1,6}",
    }
    return "".join(f"{name} ::= {rule}\n" for name, rule in rules.items())


def _lit(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _alt(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(texts))


# --- names ------------------------------------------------------------------------------


def _names(schema: SqlSchema, limits: Limits) -> dict[str, str]:
    dialect = schema.dialect
    tables = [table for table in schema.tables if not limits.denies(table.name)]
    columns = {
        quoted(column.name, dialect)
        for table in tables
        for column in table.columns
        if not limits.denies(table.name, column.name)
    }
    named = _alt(_lit(quoted(table.name, dialect)) for table in tables) or '"?"'
    return {
        "TABLE": named,
        "ALIAS": "[A-Za-z] [A-Za-z0-9_]{0,40}",
        "STAR": f'({named} | ALIAS) ".*"',
        "COLUMN": f'(({named} | ALIAS) ".")? ({_alt([*map(_lit, sorted(columns)), _INNER])})',
    }


# --- queries ----------------------------------------------------------------------------


def _rules(dialect: Dialect, limits: Limits) -> dict[str, str]:
    return {
        "query": "select (SET select)* order? limit?",
        "select": f'"SELECT " ("DISTINCT ")? output (", " output)* " FROM " (TABLE (" AS " ALIAS)? '
        f'join{{0,{limits.joins}}} | "(" query ") AS " NAME) where? group? having?',
        "join": '(" LEFT")? " JOIN " TABLE (" AS " ALIAS)? " ON " conditions',
        "where": '" WHERE " conditions',
        "group": '" GROUP BY " sum (", " sum)*',
        "having": '" HAVING " conditions',
        "order": '" ORDER BY " term (", " term)*',
        "limit": '" LIMIT " ROWS (" OFFSET " ROWS)?',
        "term": 'sum (" ASC" | " DESC")? (" NULLS FIRST" | " NULLS LAST")?',
        "output": '"*" | STAR | sum (COMPARES side)? (" AS " NAME)?',
        "conditions": 'any (" AND " any)* | any (" OR " any)+',
        "any": '("NOT ")? (condition | "(" conditions ")")',
        "condition": 'sum (COMPARES side | (" NOT")? among | " IS " ("NOT ")? FIXED) | COLUMN | exists',
        "exists": '"EXISTS" " "? "(" query ")"',
        "among": '" IN (" (value (", " value)* | query) ")" | (" LIKE " | " ILIKE ") TEXT | '
        '" BETWEEN " side " AND " side',
        "value": "TEXT | NUMBER | FIXED",
        "FIXED": '"NULL" | "TRUE" | "FALSE"',
        "side": "TEXT | FIXED | sum",
        "sum": 'part (" " [-+*/%] " " part | " || " (part | TEXT))*',
        "part": 'COLUMN | NUMBER | "(" (sum | query) ")" | case | aggregate (filter | over)? | RANK over | call',
        "filter": '" FILTER" " "? "(WHERE " conditions ")"',
        "over": '" OVER (" ("PARTITION BY " sum (", " sum)*)? " "? ("ORDER BY " term)? ")"',
        "RANK": _alt(map(_lit, RANKS.values())),
        "case": '"CASE" (" WHEN " conditions " THEN " (sum | TEXT))+ (" ELSE " (sum | TEXT))? " END"',
        "aggregate": _alt(('"COUNT" "(" ("*" | ("DISTINCT ")? sum) ")"', *_calls(dialect, aggregates=True))),
        "call": _alt(_calls(dialect, aggregates=False)),
        "SET": _alt(map(_lit, (" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT "))),
        "COMPARES": _alt(map(_lit, (" = ", " <> ", " < ", " <= ", " > ", " >= "))),
        "NAME": "[a-z] [a-z0-9_]{0,30}",
    }


def _calls(dialect: Dialect, *, aggregates: bool) -> Iterator[str]:
    for function in FUNCTIONS.values():
        text = function.text(dialect)
        if text is None or function.token in _BY_SIGNS or function.aggregate is not aggregates:
            continue
        distinct = ("sum", '("DISTINCT ")? sum') if function.token in ("sum", "avg") else ("", "")
        for spelling in dict.fromkeys((text, _as_printed(text, dialect))):
            yield _parts(spelling).replace(*distinct)


_BY_SIGNS = ("add", "sub", "mul", "div", "mod", "concat", "count")


def _as_printed(text: str, dialect: Dialect) -> str:
    """A text of `functions` as sqlglot writes it."""
    named = text.replace("{0}", "hole_0").replace("{1}", "hole_1").replace("{n}", "987654321")
    printed = read(f"SELECT {named}", dialect).sql(dialect).removeprefix("SELECT ")
    return printed.replace("hole_0", "{0}").replace("hole_1", "{1}").replace("987654321", "{n}")


def _parts(text: str) -> str:
    """A text of `functions` as EBNF: words and signs are literals of their own, so that none begins another."""
    parts = {"{0}": "sum", "{1}": "(sum | TEXT)", "{n}": "NUMBER"}
    return " ".join(parts.get(part) or ("NUMBER" if part[0].isdigit() else _lit(part)) for part in _PART.findall(text))
