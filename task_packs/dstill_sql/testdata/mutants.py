"""Mutants of a query: queries that differ from it in one step and mean something else.

    mutants_of(Gold.of(read("SELECT name FROM drivers WHERE rating > 4", "duckdb"), schema, values))
    [Candidate(name="> → >= in rating > 4", query=Select(…)), Candidate(name="4 → 5 in rating > 4", query=Select(…)), …]

The steps are typical errors of models: another operator, value, column, aggregate, join or order, and parts that are
lost. Not covered: two steps at once, and queries of another shape. What has the canonical form of the gold is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from dstill_sql.language.canonical import canonical
from dstill_sql.testdata import edits_conditions, edits_outputs, edits_rows
from dstill_sql.testdata.edits import Gold

__all__ = ["MOST", "Changed", "changes", "mutants_of"]

MOST = 48  # of one gold. If there are more, some of each kind
_KINDS = (*edits_conditions.KINDS, *edits_rows.KINDS, *edits_outputs.KINDS)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A changed query, which may not run."""

    name: str
    query: exp.Query
    text: str


def changes(gold: Gold) -> Iterator[Changed]:
    """Changed queries, first one of each kind, then another of each; the same at every call."""
    nodes = list(gold.query.walk())
    known = {gold.query.sql(gold.dialect, comments=False)}
    kinds = [iter([edit for node in nodes for edit in kind(node, gold)]) for kind in _KINDS]
    while kinds:
        for kind in list(kinds):
            if (edit := next(kind, None)) is None:
                kinds.remove(kind)
                continue
            query = edit.apply()
            text = "" if query is None else query.sql(gold.dialect, comments=False)
            if query is not None and text not in known:
                known.add(text)
                yield Changed(name=edit.name, query=query, text=text)


def mutants_of(gold: Gold) -> Iterator[Changed]:
    """Changed queries that mean something else, as far as their form shows it."""
    same = canonical(gold.query, gold.dialect)
    yield from (change for change in changes(gold) if canonical(change.query, gold.dialect) != same)
