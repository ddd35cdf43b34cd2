"""References of a schema that declares none: found by the names of columns.

    inferred(schema)     Reference(table="trips", columns=("driver_id",), to="drivers", to_columns=("id",))

A column refers to a table if it is called as the table's key is, or as the table with a word for keys behind it, and
has a type of the same family.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.questions.words import noun_of, singular_noun

__all__ = ["inferred", "references_of"]

_KEYS = (" id", " key", " number", " code", " ref", "")


def references_of(schema: SqlSchema) -> tuple[Reference, ...]:
    """The references that the schema declares; if there are none, those that its names suggest."""
    return schema.references or inferred(schema)


def inferred(schema: SqlSchema) -> tuple[Reference, ...]:
    """The references that names suggest."""
    keys = {table.name: key for table in schema.tables if (key := _key(table)) is not None}
    by_name: dict[str, Table] = {}
    for table in schema.tables:
        if table.name in keys:
            *before, last = noun_of(table.name).split(" ")
            by_name.setdefault(" ".join([*before, singular_noun(last)]), table)
    return tuple(
        reference
        for table in schema.tables
        for column in table.columns
        if (reference := _reference(table, column, by_name, keys)) is not None
    )


def _key(table: Table) -> Column | None:
    """The one column that tells rows apart."""
    if len(table.key) == 1:
        return table.column(table.key[0])
    return next((column for column in table.columns if column.unique or noun_of(column.name) == "id"), None)


def _reference(
    table: Table, column: Column, by_name: Mapping[str, Table], keys: Mapping[str, Column]
) -> Reference | None:
    noun = noun_of(column.name)
    for ending in _KEYS:
        to = by_name.get(noun.removesuffix(ending)) if noun.endswith(ending) else None
        if to is None or to.name == table.name:
            continue
        key = keys[to.name]
        if key.family == column.family and (ending or column.family == "integer"):
            return Reference(table=table.name, columns=(column.name,), to=to.name, to_columns=(key.name,))
    same = (
        to
        for to, key in keys.items()
        if to != table.name and _is_key_of(column, key) and keys.get(table.name) is not column
    )
    to_name = next(same, None)
    if to_name is None:
        return None
    return Reference(table=table.name, columns=(column.name,), to=to_name, to_columns=(keys[to_name].name,))


def _is_key_of(column: Column, key: Column) -> bool:
    """Whether a column is called as another table's key is, by a name that says something."""
    alike = key.name.casefold() == column.name.casefold() and key.family == column.family
    return alike and noun_of(key.name) not in ("id", "code", "name", "number")
