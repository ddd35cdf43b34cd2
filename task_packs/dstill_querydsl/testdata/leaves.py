"""Read a query as a tree of conditions on single fields.

    TreeReader(layout, now).query({"bool": {"filter": [{"range": {"took": {"gte": 5}}}], "must_not": [{"term": …}]}})
    → All([All([TreeLeaf(key=("", "took"), …)]), Not(TreeLeaf(key=("", "level"), …))])

Queries that are not known here are skipped: documents are made as if they were not there, and the engine
decides which documents match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.canonical.query import listed
from dstill_querydsl.language.query_forms import FIELDED, PLACES, SELECTS_BY
from dstill_querydsl.testdata.conditions import FieldCondition, read_clause
from dstill_querydsl.testdata.layout import Layout

__all__ = ["All", "Key", "Not", "Some", "Tree", "TreeLeaf", "TreeReader", "leaves"]

Key = tuple[str, str]  # nested path (empty: none), and the field in documents
_INSIDE = {**SELECTS_BY, "nested": "query", "span_multi": "match"}


@dataclass(frozen=True, eq=False)
class TreeLeaf:
    """One condition on one field."""

    key: Key
    condition: FieldCondition


@dataclass(frozen=True, eq=False)
class All:
    """All parts have to match."""

    parts: Sequence[Tree]


@dataclass(frozen=True, eq=False)
class Some:
    """At least `least` parts have to match."""

    parts: Sequence[Tree]
    least: int = 1


@dataclass(frozen=True, eq=False)
class Not:
    """The part must not match."""

    part: Tree


Tree = TreeLeaf | All | Some | Not


def leaves(tree: Tree) -> Iterator[TreeLeaf]:
    """All conditions of a tree."""
    if isinstance(tree, TreeLeaf):
        yield tree
    else:
        for part in [tree.part] if isinstance(tree, Not) else tree.parts:
            yield from leaves(part)


@dataclass(frozen=True)
class TreeReader:
    """Reads queries on one mapping."""

    layout: Layout
    now: int  # milliseconds since 1970

    def query(self, value: Any) -> Tree:
        """The tree of one query, or of a list of queries that must all match."""
        if isinstance(value, list):
            return All([self.query(item) for item in value])
        if not isinstance(value, Mapping):
            return All([])
        return All([self._clause(operator, options) for operator, options in value.items()])

    def _clause(self, operator: str, options: Any) -> Tree:
        if not isinstance(options, Mapping):
            return All([])
        if operator in _INSIDE:
            return self.query(options.get(_INSIDE[operator]))
        if operator == "bool":
            return self._bool(options)
        if operator == "dis_max":
            return Some([self.query(item) for item in listed(options.get("queries", []))])
        return Not(All([])) if operator == "match_none" else self._on_fields(operator, options)

    def _on_fields(self, operator: str, options: Mapping[str, Any]) -> Tree:
        if operator == "exists":
            return self._exists(str(options.get("field")))
        if operator in ("multi_match", "combined_fields", "simple_query_string"):
            names = [str(name).partition("^")[0] for name in listed(options.get("fields", []))]
            as_ = "match_phrase" if options.get("type") == "phrase" else "match"
            return Some([leaf for name in names for leaf in self._leaf(as_, name, options.get("query"), options)])
        named = options.items() if operator in FIELDED or operator in PLACES else ()
        return All([leaf for name, value in named for leaf in self._leaf(operator, name, value, options)])

    def _bool(self, options: Mapping[str, Any]) -> Tree:
        parts: list[Tree] = [self.query(options[word]) for word in ("must", "filter") if word in options]
        optional = bool(parts)
        parts += [Not(self.query(item)) for item in listed(options.get("must_not", []))]
        should = [self.query(item) for item in listed(options.get("should", []))]
        least = options.get("minimum_should_match", 0 if optional else 1)
        if should and least != 0:
            parts.append(Some(should, least if isinstance(least, int) else 1))
        return All(parts)

    def _exists(self, name: str) -> Tree:
        home = self.layout.source_field(name)
        fields = [
            field for field in self.layout.fillable.values() if field.name == home or field.name.startswith(f"{name}.")
        ]
        exists = FieldCondition(values=[], test=lambda value: value is not None)
        return Some([TreeLeaf((field.nested[-1] if field.nested else "", field.name), exists) for field in fields[:3]])

    def _leaf(self, operator: str, name: str, value: Any, options: Mapping[str, Any]) -> Iterator[TreeLeaf]:
        field = self.layout.fields.get(name)
        if field is not None and not name.startswith("_"):
            condition = read_clause(operator, field, value, options, self.now)
            if condition.values:
                yield TreeLeaf((field.nested[-1] if field.nested else "", self.layout.source_field(name)), condition)
