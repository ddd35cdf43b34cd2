"""Whose rows a query reads: each table in its tree becomes a query with the condition of `guard.rows`.

    conditions.within(read("SELECT id FROM orders", "duckdb"), example, schema, "duckdb")
    SELECT id FROM (SELECT * FROM orders AS own_rows WHERE own_rows.tenant = 'acme' OFFSET 0) AS orders

The claims of the caller are literals of the tree. OFFSET 0, and LIMIT -1 in SQLite, keep an engine from evaluating
other conditions first: their errors would quote rows that the caller may not read. PostgreSQL also tries conditions on
the frequent values of the whole table when it plans a query, but not across UNION ALL. The columns of a condition have
a name of its table that no answer may use, so they never mean a column of the query around it.
"""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from dstill.api.records import Example
from dstill.api.rows import CLAIM, OTHERS, Claims, NotReadable, RowRules
from dstill.errors import ConfigError, did_you_mean
from dstill_sql.engines.translating import translated
from dstill_sql.language.allowed import unknown
from dstill_sql.language.database.schema import SqlSchema, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.guard import cte_of, may_be_another
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["RowConditions"]

ALIAS = "own_rows"
_PARTS = ("expressions", "from_", "where", "kind")  # of a SELECT that has nothing but its condition


class RowConditions(RowRules):
    """The conditions of a task. Raises ConfigError for one that cannot be used."""

    def __init__(self, limits: Limits, dialect: Dialect) -> None:
        super().__init__(limits.rows, limits.caller)
        self._dialect = dialect
        self._names = [name for name in limits.rows if name != OTHERS]
        for name, text in limits.rows.items():
            if text.strip():
                _read(text.strip(), name, dialect)

    def check(self, schema: SqlSchema | None) -> None:
        """Raises ConfigError for a table or a column that the schema does not have."""
        for name in self._names if schema is not None else ():
            assert schema is not None
            if (table := schema.table(name)) is None:
                near = did_you_mean(name, [table.name for table in schema.tables])
                raise ConfigError(f"guard.rows: there is no table '{name}'.{near}", where=f"guard.rows.{name}")
            if (text := self.condition(name)) and (why := _unknown_column(_read(text, name, self._dialect), table)):
                raise ConfigError(f"guard.rows: {why}", where=f"guard.rows.{name}")

    def within(self, query: exp.Query, example: Example, schema: SqlSchema | None, dialect: Dialect) -> exp.Query:
        """The query, of an engine with this dialect, on the rows that its caller may read.

        Raises NotReadable, Untranslatable, and AuthError without a claim.
        """
        claims, query = self.claims(example), query.copy()
        self._check_names(query, schema)
        tables = [table for table in query.find_all(exp.Table) if cte_of(table) is None]
        for table, text in [(table, self.condition(table.name)) for table in tables]:
            if any(value for part, value in table.args.items() if part not in ("this", "alias")):
                raise NotReadable(f"'{table.name}' is read in a way that guard.rows does not know")
            if text:
                alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
                rows = self._rows_of(table, text, claims, schema, dialect)
                table.replace(exp.Subquery(this=rows, alias=alias.copy()))
        return query

    def _check_names(self, query: exp.Query, schema: SqlSchema | None) -> None:
        """Raises NotReadable for a name that could mean something else in an engine than here."""
        tables = {table.name.casefold() for table in schema.tables} if schema is not None else set()
        for cte in query.find_all(exp.CTE):
            if cte.alias_or_name.casefold() in tables | {name.casefold() for name in self._names}:
                raise NotReadable(f"WITH has the name of a table: '{cte.alias_or_name}'")
        named = ((table, cte_of(table)) for table in query.find_all(exp.Table))  # in the dialect of the engine
        if other := next((table.name for table, cte in named if cte is not None and may_be_another(table, cte)), ""):
            raise NotReadable(f"'{other}' may be another table than that of WITH")
        if any(name.name.casefold() == ALIAS for name in query.find_all(exp.Identifier)):
            raise NotReadable(f"the name '{ALIAS}' is not allowed")

    def _rows_of(
        self, table: exp.Table, text: str, claims: Claims, schema: SqlSchema | None, dialect: Dialect
    ) -> exp.Query:
        """The query of the rows of a table that may be read."""
        condition = _read(text, table.name, self._dialect).copy()
        known = schema.table(table.name) if schema is not None else None
        if known is not None and (why := _unknown_column(condition, known)):
            raise NotReadable(f"guard.rows: {why}")
        for column in list(condition.find_all(exp.Column)):
            if name := CLAIM.fullmatch(column.name):
                column.replace(exp.convert(claims[name[1]]))
            else:
                column.set("table", exp.to_identifier(ALIAS))
        if known is not None:
            _compare_as_texts(condition, known, self._dialect)
        source = exp.alias_(exp.Table(this=table.this.copy()), ALIAS, table=True)
        condition.set("from_", exp.From(this=source.copy()))
        where = translated(condition, self._dialect, dialect, schema).args["where"]
        rows: exp.Query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=source), where=where.copy())
        if dialect == "sqlite":
            return rows.limit(-1, copy=False)
        if dialect == "postgres":
            none = exp.Select(expressions=[exp.Star()], from_=exp.From(this=exp.Table(this=table.this.copy())))
            rows = exp.Union(this=rows, expression=none.where(exp.false(), copy=False), distinct=False)
        return rows.offset(0, copy=False)


@lru_cache(maxsize=256)
def _read(text: str, table: str, dialect: Dialect) -> exp.Select:
    """``SELECT 1 FROM t WHERE …``, with a column for each claim: copy it first. Raises ConfigError."""
    quoted = CLAIM.sub(r'"\g<0>"', text)
    try:
        query = read(f"SELECT 1 FROM {ALIAS} WHERE {quoted}", dialect)
    except NotOneQuery as error:
        raise _wrong(table, text, str(error)) from None
    if not isinstance(query, exp.Select) or any(value for part, value in query.args.items() if part not in _PARTS):
        raise _wrong(table, text, "it is more than a condition")
    where = query.args["where"]
    if where.find(exp.Query, exp.AggFunc, exp.Window) or any(node.args.get("field") for node in where.find_all(exp.In)):
        raise _wrong(table, text, "it may not contain a query, an aggregate or a window")
    if part := next(unknown(query, dialect), None):
        raise _wrong(table, text, f"the {part.kind} {part.text} is not allowed")
    columns = list(where.find_all(exp.Column))
    if len(CLAIM.findall(text)) != len([column for column in columns if CLAIM.fullmatch(column.name)]):
        raise _wrong(table, text, "write {caller.NAME} without quotes")
    for column in columns:
        if len(column.parts) > 2 or column.table.casefold() not in ("", table.casefold()):
            raise _wrong(table, text, f"'{column.sql(dialect)}' is not a column of the table")
    return query


def _unknown_column(condition: exp.Expr, table: Table) -> str:
    """That the table lacks a column of the condition; empty: it does not."""
    for column in condition.find_all(exp.Column):
        if not CLAIM.fullmatch(column.name) and table.column(column.name) is None:
            near = did_you_mean(column.name, [column.name for column in table.columns])
            return f"the table '{table.name}' has no column '{column.name}'.{near}"
    return ""


def _compare_as_texts(condition: exp.Expr, table: Table, dialect: Dialect) -> None:
    """Write what is compared with texts as a text: DuckDB would read the texts of all rows as numbers."""
    for column in condition.find_all(exp.Column):
        if (known := table.column(column.name)) is not None and known.family == "text":
            column.type = exp.DType.TEXT
    annotate_types(condition, dialect=dialect, overwrite_types=False)
    for part in condition.find_all(exp.Predicate):
        sides = list(part.iter_expressions())
        if any(side.is_type(*exp.DataType.TEXT_TYPES) and not isinstance(side, exp.Literal) for side in sides):
            for side in sides:
                if isinstance(side, (exp.Literal, exp.Boolean, exp.Neg)) and not side.is_string:
                    side.replace(exp.Literal.string(side.sql()))


def _wrong(table: str, text: str, why: str) -> ConfigError:
    return ConfigError(f"guard.rows: '{text}' cannot be used for '{table}': {why}", where=f"guard.rows.{table}")
