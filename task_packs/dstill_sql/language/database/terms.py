"""A glossary's terms in one database: other names, computed columns and joins.

    terms.columns["jobs"]       (Column(name="late", type="BOOLEAN", …),): students read it beside the others
    expanded("SELECT COUNT(*) FROM jobs WHERE late", terms)
    "SELECT COUNT(*) FROM jobs WHERE finished_on > promised_on"

A condition or measure is a computed column of one table. Queries have its definition in its place, so engines never see
it, and checks and guard read what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from dstill.api.glossary import Glossary
from dstill_sql.language.database.name_resolution import Scopes
from dstill_sql.language.database.schema import Column, SqlSchema
from dstill_sql.language.printing import printed
from dstill_sql.language.statements import read

__all__ = ["Terms", "expanded", "replace_column"]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of one database."""

    schema: SqlSchema  # with the computed columns
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # table or table.column → its other names
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)  # table → computed columns
    definitions: Mapping[str, exp.Expr] = field(default_factory=dict)  # table.column, folded → its definition
    glossary: Glossary = field(default_factory=Glossary)  # those about what answers may read

    def made_of(self, table: str, column: Column) -> tuple[str, ...]:
        """The columns that a computed column is computed from, as ``table.column``."""
        definition = self.definitions[f"{table}.{column.name}".casefold()]
        return tuple(dict.fromkeys(f"{table}.{node.name}" for node in definition.find_all(exp.Column)))


def expanded(text: str, terms: Terms | None) -> str:
    """The query `text` with the definitions of computed columns in their place."""
    if terms is None or not terms.definitions:
        return text
    dialect = terms.schema.dialect
    query = read(text, dialect).copy()
    names = Scopes(query, terms.schema)
    changes = [
        (node, definition)
        for node in query.find_all(exp.Column)
        if (source := names.source(node)) is not None
        and (table := names.table(source)) is not None
        and (definition := terms.definitions.get(f"{table.name}.{node.name}".casefold())) is not None
    ]
    alone = len(list(query.find_all(exp.Table))) == 1 and next(query.find_all(exp.Alias), None) is None
    for node, definition in changes:
        if not (alone or node.table):  # a name of the definition may be another's
            source = names.source(node)
            assert source is not None
            node.set("table", exp.to_identifier(source.alias_or_name, quoted=True))
        replace_column(node, definition)
    return printed(query, dialect).text if changes else text


def replace_column(node: exp.Column, definition: exp.Expr) -> None:
    """Put the definition in the place of a computed column. ``late = TRUE`` becomes the condition alone."""
    meaning = definition.copy()
    for column in list(meaning.find_all(exp.Column)):
        if node.table:
            column.set("table", node.args["table"].copy())
    place: exp.Expr = node
    if isinstance(node.parent, exp.EQ) and isinstance(other := _other_side(node), exp.Boolean):
        place, meaning = node.parent, meaning if other.this else exp.Not(this=exp.Paren(this=meaning))
    outer = place.parent
    if isinstance(outer, exp.Select) and place.arg_key == "expressions":
        has_readers = isinstance(outer.parent, (exp.Subquery, exp.CTE, exp.SetOperation))
        place.replace(exp.alias_(meaning, node.name) if has_readers else meaning)
    else:
        alone = isinstance(outer, (exp.Where, exp.Having, exp.Paren, exp.AggFunc, exp.Group))
        place.replace(meaning if alone or isinstance(meaning, exp.Not) else exp.Paren(this=meaning))


def _other_side(node: exp.Expr) -> exp.Expr:
    parent = node.parent
    assert parent is not None
    other: exp.Expr = parent.expression if parent.this is node else parent.this
    return other
