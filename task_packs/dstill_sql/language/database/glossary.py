"""Reads a glossary for one database.

database = with_terms(database, glossary, limits)
database.terms                  Terms(…): see `dstill_sql.language.database.terms`
probe(term, database)           "SELECT COUNT(*) FROM jobs WHERE finished_on > promised_on"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import replace

from sqlglot import exp

from dstill.api.glossary import Glossary, Term
from dstill.errors import DataError, did_you_mean
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table, quoted
from dstill_sql.language.database.terms import Terms, expanded, replace_column
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.limits import Limits
from dstill_sql.language.printing import settled
from dstill_sql.language.statements import NotOneQuery, parsed

__all__ = ["probe", "with_terms"]

_MOST_PARTS = 300  # of a definition
_CONDITION_HINT = 'a condition is about columns of one table: condition = "finished_on > promised_on"'
_MEASURE_HINT = 'a measure is a number of each row, as the question says which sum or average: measure = "qty * price"'
_JOIN_HINT = 'join = "orders.customer_id = customers.id"'


def with_terms(database: Database, glossary: Glossary, limits: Limits) -> Database:
    """The database with the terms about it that `limits` let everybody read. Raises DataError that names the term."""
    about = glossary.of(database.name)
    reader = _Reader(database)
    shown, hidden = list[Term](), {*limits.denied_tables, *limits.denied_columns}
    for term in about.terms:
        try:
            reader.add(term)
        except DataError:
            if not _speaks_of(term, hidden):  # the schema of a server lacks what is denied
                raise
        else:
            if reader.is_for_all(term, limits):
                shown.append(term)
                continue
        hidden.add(term.identifier)
    return reader.database(about) if len(shown) == len(about.terms) else with_terms(database, Glossary(shown), limits)


def probe(term: Term, database: Database) -> str:
    """A query that uses the term: how many rows meet a condition, a few values of anything else."""
    terms, dialect = database.terms, database.schema.dialect
    assert terms is not None
    if term.join:
        reference = _join(term, database.schema)
        (left,), (right,) = reference.columns, reference.to_columns
        table, to = (quoted(name, dialect) for name in (reference.table, reference.to))
        columns = f"{table}.{quoted(left, dialect)} = {to}.{quoted(right, dialect)}"
        return f"SELECT COUNT(*) FROM {table} JOIN {to} ON {columns}"
    if term.means:
        table, column = _item(term, database.schema)
        if not column:
            return f"SELECT COUNT(*) FROM {quoted(table, dialect)}"
        if not term.value:
            return f"SELECT {quoted(column, dialect)} FROM {quoted(table, dialect)} LIMIT 3"
        value = exp.Literal.string(term.value).sql(dialect)
        return f"SELECT COUNT(*) FROM {quoted(table, dialect)} WHERE {quoted(column, dialect)} = {value}"
    table = next(name for name, columns in terms.columns.items() if term.identifier in {c.name for c in columns})
    name, rows = quoted(term.identifier, dialect), quoted(table, dialect)
    text = f"SELECT COUNT(*) FROM {rows} WHERE {name}" if term.measure == "" else f"SELECT {name} FROM {rows} LIMIT 3"
    return expanded(text, terms)


class _Reader:
    """Reads the terms of one glossary."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schema = database.schema
        self._called: dict[str, tuple[str, ...]] = {}
        self._values: dict[str, dict[str, list[str]]] = {}
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._written: dict[str, tuple[Term, exp.Expr]] = {}  # of computed columns, by table.column, folded
        self._joins: list[Reference] = []

    def add(self, term: Term) -> None:
        """Raises DataError."""
        if term.join:
            self._joins.append(_join(term, self._schema))
        elif term.means:
            self._name(term)
        else:
            self._compute(term)

    def _name(self, term: Term) -> None:
        table, column = _item(term, self._schema)
        if term.value and not column:
            raise term.error(f"'{table}' is a table, which has no value", "name the column that has it")
        item = f"{table}.{column}" if column else table
        if term.value:
            self._values.setdefault(item, {}).setdefault(term.value, []).extend(term.names)
        else:
            self._called[item] = (*self._called.get(item, ()), *term.names)

    def _compute(self, term: Term) -> None:
        definition = self._definition(term)
        table = self._table(term, definition)
        name = f"{table.name}.{term.identifier}"
        if table.column(term.identifier) is not None:
            raise term.error(f"'{table.name}' has a column '{term.identifier}'", "give the term another name")
        is_condition = term.condition is not None
        own = table.column(definition.name) if isinstance(definition, exp.Column) else None
        if not is_condition and own is not None and own.family not in ("integer", "number"):
            raise term.error(f"'{own.name}' is {own.type}, and a measure is a number", _MEASURE_HINT)
        column = Column(
            name=term.identifier,
            type="BOOLEAN" if is_condition else "DOUBLE",
            family="boolean" if is_condition else "number",
            comment=term.description,
        )
        self._columns[table.name] = (*self._columns.get(table.name, ()), column)
        self._called[name] = (*self._called.get(name, ()), *term.names)
        self._written[name.casefold()] = term, definition
        parts = sum(1 for _ in self._resolved(name.casefold()).walk())
        if parts > _MOST_PARTS:
            raise term.error(f"it has {parts:,} parts, with those of other terms", f"at most {_MOST_PARTS}")

    def is_for_all(self, term: Term, limits: Limits) -> bool:
        """Whether every answer may read what a term means, and everybody may see its value."""
        if term.value:
            return limits.shows_values(*_item(term, self._schema))
        return not any(limits.denies(*read) for read in self._reads(term))

    def _reads(self, term: Term) -> list[tuple[str, str]]:
        """The tables and columns that a term means; a column is empty if it means the table."""
        if term.means:
            return [_item(term, self._schema)]
        if term.join:
            reference = _join(term, self._schema)
            sides = ((reference.table, reference.columns), (reference.to, reference.to_columns))
            return [(table, column) for table, columns in sides for column in columns]
        name = next(name for name, (other, _) in self._written.items() if other is term)
        table = name.rpartition(".")[0]
        return [(table, column.name) for column in self._resolved(name).find_all(exp.Column)]

    def _definition(self, term: Term) -> exp.Expr:
        """The expression of a condition or measure."""
        is_condition = term.condition is not None
        text, hint = (term.condition, _CONDITION_HINT) if is_condition else (term.measure, _MEASURE_HINT)
        if not isinstance(text, str):
            raise term.error("the condition is not text", hint)
        try:
            query = settled(parsed(f"SELECT {text}", self._schema.dialect), self._schema.dialect)
        except (NotOneQuery, NotPrintable) as error:
            raise term.error(str(error), hint) from None
        whole = isinstance(query, exp.Select) and len(query.expressions) == 1
        if not whole or any(value for key, value in query.args.items() if key != "expressions"):
            raise term.error(f"{text!r} is not an expression", hint)
        (definition,) = query.expressions
        if next(definition.find_all(exp.AggFunc, exp.Query, exp.Window, exp.Star, exp.Alias), None) is not None:
            raise term.error(f"{text!r} is not about single rows", hint)
        kinds = (exp.Predicate, exp.Not, exp.And, exp.Or, *([exp.Column] if is_condition else []))  # a flag
        if is_condition != isinstance(definition.unnest(), kinds):
            raise term.error(f"{text!r} is {'not ' if is_condition else ''}a condition", hint)
        copy: exp.Expr = definition.copy()
        return copy

    def _table(self, term: Term, definition: exp.Expr) -> Table:
        """The table whose columns a definition has."""
        columns = list(definition.find_all(exp.Column))
        if not columns:
            raise term.error("it has no column", "name a column, as the schema has it")
        qualifiers = {column.table.casefold() for column in columns if column.table}
        if term.of:
            qualifiers.add(term.of.casefold())
        tables = [self._schema.table(name) for name in qualifiers] if qualifiers else list(self._schema.tables)
        if None in tables:
            names = [table.name for table in self._schema.tables]
            wrong = next(name for name in sorted(qualifiers) if self._schema.table(name) is None)
            raise term.error(f"there is no table '{wrong}'.{did_you_mean(wrong, names)}")
        able = [table for table in tables if table and all(self._has(table, column.name) for column in columns)]
        if len(able) > 1:
            raise term.error(f"these tables have such columns: {', '.join(t.name for t in able)}", "say which: of = …")
        if not able:
            known = [column.name for table in self._schema.tables for column in table.columns]
            for column in columns:
                if column.name not in known and not any(self._has(t, column.name) for t in tables if t):
                    raise term.error(f"there is no column '{column.name}'.{did_you_mean(column.name, known)}")
            raise term.error("its columns are not of one table", _CONDITION_HINT if term.condition else _MEASURE_HINT)
        for column in columns:
            column.set("table", None)
        return able[0]

    def _has(self, table: Table, name: str) -> bool:
        computed = self._columns.get(table.name, ())
        return table.column(name) is not None or name.casefold() in {column.name for column in computed}

    def database(self, glossary: Glossary) -> Database:
        """The database with all terms."""
        database = self._database
        schema = replace(self._schema, references=(*self._schema.references, *self._joins))
        tables = (
            replace(table, columns=(*table.columns, *self._columns.get(table.name, ()))) for table in schema.tables
        )
        values = database.values.with_more_aliases(self._values)
        terms = Terms(
            schema=replace(schema, tables=tuple(tables)),
            called=self._called,
            columns=self._columns,
            glossary=glossary,
            definitions={name: self._resolved(name) for name in self._written},
        )
        return replace(database, schema=schema, values=values, terms=terms)

    def _resolved(self, name: str) -> exp.Expr:
        """A definition with those of other terms in the place of their names. Terms are read in order: no circles."""
        _, definition = self._written[name]
        table = name.rpartition(".")[0]
        holder = exp.Paren(this=definition.copy())
        for column in list(holder.find_all(exp.Column)):
            inner = f"{table}.{column.name}".casefold()
            if inner in self._written:
                replace_column(column, self._resolved(inner))
        resolved: exp.Expr = holder.this
        return resolved


def _speaks_of(term: Term, names: Set[str]) -> bool:
    """Whether a term has one of these names, which are folded."""
    text = f"{term.means} {term.of} {term.condition} {term.measure} {term.join}".casefold()
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _item(term: Term, schema: SqlSchema) -> tuple[str, str]:
    """The table and the column that a term means; the column is empty if it means the table. Raises DataError."""
    if (table := schema.table(term.means)) is not None:
        return table.name, ""
    of, _, name = term.means.rpartition(".")
    tables = [schema.table(of)] if of else list(schema.tables)
    having = [(table, column) for table in tables if table and (column := table.column(name)) is not None]
    if len(having) > 1:
        raise term.error(
            f"several tables have '{name}': {', '.join(table.name for table, _ in having)}", "table.column"
        )
    if not having:
        raise term.error(f"there is no '{term.means}'.{did_you_mean(term.means, _names(schema))}")
    ((table, column),) = having
    return table.name, column.name


def _names(schema: SqlSchema) -> Iterator[str]:
    for table in schema.tables:
        yield table.name
        yield from (f"{table.name}.{column.name}" for column in table.columns)


def _join(term: Term, schema: SqlSchema) -> Reference:
    sides = [side.strip().rpartition(".") for side in term.join.split("=")]
    if len(sides) != 2:
        raise term.error(f"{term.join!r} is not a join", _JOIN_HINT)
    tables = [schema.table(table) for table, _, _ in sides]
    columns = [table.column(name) if table else None for table, (_, _, name) in zip(tables, sides, strict=True)]
    (table, to), (column, target) = tables, columns
    if table is None or to is None or column is None or target is None:
        wrong = next("".join(side) for side, known in zip(sides, columns, strict=True) if known is None)
        raise term.error(f"there is no '{wrong}'.{did_you_mean(wrong, _names(schema))}", _JOIN_HINT)
    if column.family != target.family and not {column.family, target.family} <= {"integer", "number"}:
        raise term.error(f"'{column.name}' is {column.type}, and '{target.name}' is {target.type}", _JOIN_HINT)
    return Reference(table=table.name, columns=(column.name,), to=to.name, to_columns=(target.name,))
