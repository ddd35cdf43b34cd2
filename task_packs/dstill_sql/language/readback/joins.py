"""How a table is joined with those before it: by a foreign key, by other pairs of columns, or otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.readback.conditions import conjuncts
from dstill_sql.language.readback.naming import Names

__all__ = ["Link", "link"]


@dataclass(frozen=True, kw_only=True)
class Link:
    """The condition of a join in parts."""

    pairs: tuple[tuple[exp.Column, exp.Column], ...]  # equal columns: of the joined table, and of one before it
    rest: tuple[exp.Expr, ...]
    declared: bool  # whether the pairs are the only foreign key between the source and any of those before it


def link(joined: exp.Expr, on: exp.Expr | None, before: Sequence[exp.Expr], names: Names, schema: SqlSchema) -> Link:
    """The parts of the condition on which a source is joined with those before it."""
    pairs, rest = [], []
    for part in conjuncts(on) if on is not None else ():
        pair = _pair(part, joined, before, names)
        if pair is None:
            rest.append(part)
        else:
            pairs.append(pair)
    keys = _keys(joined, before, names, schema)
    wanted = {(id(names.source(other)), own.name.casefold(), other.name.casefold()) for own, other in pairs}
    return Link(pairs=tuple(pairs), rest=tuple(rest), declared=len(keys) == 1 and keys[0] == wanted)


def _pair(
    part: exp.Expr, joined: exp.Expr, before: Sequence[exp.Expr], names: Names
) -> tuple[exp.Column, exp.Column] | None:
    """The columns that a condition sets equal, that of the joined table first."""
    if not isinstance(part, exp.EQ):
        return None
    for own, other in ((part.this, part.expression), (part.expression, part.this)):
        if isinstance(own, exp.Column) and isinstance(other, exp.Column) and names.source(own) is joined:
            source = names.source(other)
            if any(source is earlier for earlier in before):
                return own, other
    return None


def _keys(
    joined: exp.Expr, before: Sequence[exp.Expr], names: Names, schema: SqlSchema
) -> list[set[tuple[int, str, str]]]:
    """The foreign keys between a table and those before it: the source before it, its own column, and the other."""
    keys = []
    own = names.scopes.table(joined)
    for earlier in before:
        other = names.scopes.table(earlier)
        if own is None or other is None:
            continue
        for reference in schema.references:
            ends = [(reference.table, reference.columns), (reference.to, reference.to_columns)]
            for (one, columns), (two, others) in (ends, ends[::-1]):
                if (one.casefold(), two.casefold()) == (own.name.casefold(), other.name.casefold()):
                    pairs = zip(columns, others, strict=True)
                    keys.append({(id(earlier), a.casefold(), b.casefold()) for a, b in pairs})
    return keys
