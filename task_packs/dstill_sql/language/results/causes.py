"""The most important difference between a query and its gold, as a label (docs/evaluation.md).

    cause("SELECT name FROM drivers WHERE rating > 3", "SELECT name FROM drivers WHERE rating > 4", "duckdb")
    Cause(label="value", detail="rating > 3, not rating > 4")

Both sides are multisets of clauses (`clauses`). Conditions that only one side has are paired, most similar first, and
the difference of a pair is its label. The cause is the first of all differences in the order of `LABELS`. A column of a
join is the same with and without the name of its table, if no other table is named with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill.api.records import Cause
from dstill_sql.language import refusals
from dstill_sql.language.canonical import canonical, canonical_text
from dstill_sql.language.database.name_resolution import sources
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.results import clauses as kinds
from dstill_sql.language.results.clauses import Clause, parts
from dstill_sql.language.results.labels import (
    AGGREGATE,
    COLUMN,
    COLUMNS,
    DISTINCT,
    EXTRA,
    GROUPING,
    HAVING,
    JOIN,
    LABELS,
    LIMIT,
    MISSING,
    NESTING,
    OPERATOR,
    ORDER,
    OTHER,
    REFUSED,
    SET,
    SHOULD_HAVE_REFUSED,
    TABLES,
    VALUE,
)
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["cause"]

_KIND_LABELS = (
    (kinds.SET, SET),
    (kinds.JOIN, JOIN),
    (kinds.GROUP, GROUPING),
    (kinds.HAVING, HAVING),
    (kinds.ORDER, ORDER),
    (kinds.LIMIT, LIMIT),
    (kinds.DISTINCT, DISTINCT),
)

Parts = Sequence[Clause]


def cause(got: str, want: str, dialect: Dialect) -> Cause | None:
    """The cause of the difference between two answers. None if they do not differ."""
    if canonical_text(got, dialect) == canonical_text(want, dialect):
        return None
    refused = [refusals.read(answer) is not None for answer in (got, want)]
    if refused[0] != refused[1]:
        return Cause(label=REFUSED if refused[0] else SHOULD_HAVE_REFUSED, detail=f"{_cut(got)}, not {_cut(want)}")
    try:
        queries = [canonical(read(answer, dialect), dialect) for answer in (got, want)]
        _with_tables(queries)
        written, gold = (parts(canonical(query, dialect), dialect) for query in queries)
    except (NotOneQuery, NotPrintable, SqlglotError, RecursionError):
        return Cause(label=OTHER, detail=f"{_cut(got)}, not {_cut(want)}")
    differences = list(_differences(written, gold, dialect))
    if not differences:
        return Cause(label=OTHER, detail=f"{_cut(got)}, not {_cut(want)}")
    return min(differences, key=lambda option: LABELS.index(option.label))


def _with_tables(queries: Sequence[exp.Query]) -> None:
    """Name the tables of columns of joins, where only one table is named with a column of that name."""
    tables: dict[str, set[str]] = defaultdict(set)
    columns = [column for query in queries for column in query.find_all(exp.Column)]
    for column in columns:
        tables[column.name] |= {column.table} - {""}
    for column in columns:
        select = column.parent_select
        if not column.table and len(tables[column.name]) == 1 and select is not None and len(sources(select)) > 1:
            column.set("table", exp.to_identifier(next(iter(tables[column.name]))))


def _differences(written: Parts, gold: Parts, dialect: Dialect) -> Iterator[Cause]:
    tables = [{c.text for c in side if c.kind == kinds.TABLE} for side in (written, gold)]
    if tables[0] != tables[1]:
        yield Cause(label=TABLES, detail=_both(sorted(tables[0] - tables[1]), sorted(tables[1] - tables[0])))
    selects = [Counter((c.depth, c.text) for c in side if c.kind == kinds.TABLE) for side in (written, gold)]
    if tables[0] == tables[1] and selects[0] != selects[1]:
        depths = [max((c.depth for c in side), default=0) for side in (written, gold)]
        label = NESTING if depths[0] != depths[1] or selects[0].total() == selects[1].total() else TABLES
        yield Cause(
            label=label,
            detail=_both(*(_tables(n) for n in (selects[0] - selects[1], selects[1] - selects[0]))),
        )
    extra, missing = _unmatched(written, gold, kinds.OUTPUT)
    if extra or missing:
        label = AGGREGATE if _differ_in_aggregates(extra, missing) else COLUMNS
        yield Cause(label=label, detail=_both([c.text for c in extra], [c.text for c in missing]))
    yield from _from_conditions(*_unmatched(written, gold, kinds.WHERE), dialect)
    for kind, label in _KIND_LABELS:
        extra, missing = _unmatched(written, gold, kind)
        if extra or missing:
            yield Cause(label=label, detail=_both([str(c) for c in extra], [str(c) for c in missing]))


def _tables(counts: Counter[tuple[int, str]]) -> list[str]:
    return [f"{'(… ' * depth}FROM {text}{')' * depth}" for depth, text in sorted(counts.elements())]


def _unmatched(written: Parts, gold: Parts, kind: str) -> tuple[list[Clause], list[Clause]]:
    """The clauses of a kind that only one side has."""
    sides = [[c for c in side if c.kind == kind] for side in (written, gold)]
    counts = [Counter((c.text, c.depth) for c in side) for side in sides]
    return _take(sides[0], counts[0] - counts[1]), _take(sides[1], counts[1] - counts[0])


def _take(side: Parts, counts: Counter[tuple[str, int]]) -> list[Clause]:
    taken = []
    for clause in side:
        if counts[clause.text, clause.depth] > 0:
            counts[clause.text, clause.depth] -= 1
            taken.append(clause)
    return taken


def _differ_in_aggregates(extra: Parts, missing: Parts) -> bool:
    """Whether outputs are aggregates on both sides, with other functions or of other rows."""
    sides = [[agg for clause in side for agg in clause.node.find_all(exp.AggFunc)] for side in (extra, missing)]
    if not all(sides) or len(extra) != len(missing):
        return False
    functions = [sorted((agg.key, isinstance(agg.this, (exp.Distinct, exp.Star))) for agg in side) for side in sides]
    return functions[0] != functions[1]


# --- conditions -------------------------------------------------------------------------


def _from_conditions(extra: list[Clause], missing: list[Clause], dialect: Dialect) -> Iterator[Cause]:
    pairs = sorted(
        (pair for pair in product(extra, missing) if _alike(pair[0], pair[1], dialect)),
        key=lambda pair: (-_alike(pair[0], pair[1], dialect), pair[0].text, pair[1].text),
    )
    for first, other in pairs:
        if first in extra and other in missing:
            extra.remove(first)
            missing.remove(other)
            yield Cause(label=_label(first.node, other.node, dialect), detail=f"{first.text}, not {other.text}")
    yield from (Cause(label=MISSING, detail=f"not {c.text}") for c in missing)
    yield from (Cause(label=EXTRA, detail=c.text) for c in extra)


def _alike(clause: Clause, other: Clause, dialect: Dialect) -> int:
    """How many of column, operator and value two conditions share; one may replace the other if this is not 0."""
    same = [a == b for a, b in zip(_triple(clause.node, dialect), _triple(other.node, dialect), strict=True)]
    return 3 * same[0] + 2 * same[2] + same[1] if same[0] or same[2] else 0


def _label(expr: exp.Expr, other: exp.Expr, dialect: Dialect) -> str:
    (column, operator, _), (its_column, its_operator, _) = (_triple(node, dialect) for node in (expr, other))
    if column != its_column:
        return COLUMN
    return OPERATOR if operator != its_operator else VALUE


def _triple(node: exp.Expr, dialect: Dialect) -> tuple[str, str, str]:
    """Column, operator and value of a condition."""
    node, negated = (node.this.unnest(), "not ") if isinstance(node, exp.Not) else (node, "")
    columns = ", ".join(sorted({column.sql(dialect) for column in node.find_all(exp.Column)}))
    left = node.this.sql(dialect) if isinstance(node, (exp.Binary, exp.In)) and isinstance(node.this, exp.Expr) else ""
    rest = {key: value for key, value in node.args.items() if key != "this"}
    values = [node for value in rest.values() for node in (value if isinstance(value, list) else [value])]
    text = ", ".join(node.sql(dialect) for node in values if isinstance(node, exp.Expr))
    return (left or columns, f"{negated}{node.key}", text)


def _both(extra: Sequence[str], missing: Sequence[str]) -> str:
    has, lacks = "; ".join(extra), "; ".join(missing)
    return ", ".join(part for part in (has, lacks and f"not {lacks}") if part)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
