"""Whose documents a body reads: its query becomes a filter beside the conditions of `guard.rows`.

    rows = RowFilters(Limits(rows={"logs": "tenant = {caller.tenant} AND level = 3"}))
    rows.query("logs", example, fields)     {"bool": {"filter": [{"term": {"tenant": "acme"}}, {"term": {"level": 3}}]}}
    within({"query": {"match": {"note": "disk"}}}, query)
    {"query": {"bool": {"filter": [{"bool": …}, {"match": {"note": "disk"}}]}}}

A filter gives no scores: those of texts depend on how often a word is in other documents. For the same reason, parts
are refused that expand a word by the terms of an index, up to a limit, or that look beside the query. The guard's
allow-list refuses the rest, as lookups, joins, scripts and suggesters (`guard.tables`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dstill.api.records import Example
from dstill.api.rows import OTHERS, NotReadable, RowRules
from dstill.errors import ConfigError, did_you_mean
from dstill_querydsl.language.field_types import INTEGERS
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.walk import whole

__all__ = ["RowFilters", "within"]

_CONDITION = re.compile(
    r'\s*(?P<field>[^\s="{}]+)\s*=\s*'
    r'(?:\{caller\.(?P<claim>\w+)\}|(?P<value>"(?:[^"\\]|\\.)*"|-?\d+|true|false))\s*(?P<more>AND\b|$)'
)
_EXACT = ("keyword", "constant_keyword", "boolean", *INTEGERS)  # types of which a term is one whole value
_BESIDE = frozenset(
    {"global", "min_score", "terminate_after", "_doc", "_shard_doc"}  # other documents, or how many there are
    # up to a limit, the terms of the index
    | {"match_phrase_prefix", "fuzzy", "fuzziness", "rewrite", "fuzzy_rewrite", "intervals", "span_multi"}
    | {"max_expansions", "fuzzy_max_expansions", "cutoff_frequency", "query_string"}
)
_BESIDE_VALUES = ("_doc", "_shard_doc", "phrase_prefix", "fvh")  # the same, of `sort` and `type`
_FILLING = ("histogram", "date_histogram")  # their empty buckets are between those of the query


class RowFilters(RowRules):
    """The conditions of a task. Raises ConfigError for one that cannot be used."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.rows, limits.caller)
        self.names = [name for name in limits.rows if name != OTHERS]
        self._parts = {text.strip(): list(_parts(text.strip(), name)) for name, text in limits.rows.items()}

    def check(self, name: str, fields: Fields) -> None:
        """Raises ConfigError for a field of an index by whose terms documents cannot be distinguished."""
        for why in filter(None, (_unfit(part["field"], fields) for part in self._parts[self.condition(name)])):
            hint = "name a keyword without a normalizer, a whole number, or a boolean"
            raise ConfigError(f"guard.rows: '{name}' {why}", where=f"guard.rows.{name}", hint=hint)

    def query(self, name: str, example: Example, fields: Fields) -> dict[str, Any] | None:
        """The query of the documents of an index that may be read; None: all of them.

        Raises NotReadable for an index without an entry or without its fields, and AuthError for a missing claim.
        """
        if not self.apply_to(example):
            return None
        claims, parts = self.claims(example), self._parts[self.condition(name)]
        for why in filter(None, (_unfit(part["field"], fields) for part in parts)):
            raise NotReadable(f"guard.rows: '{name}' {why}")
        values = (json.loads(part["value"]) if part["value"] else claims[part["claim"]] for part in parts)
        terms = [{"term": {part["field"]: {"value": value}}} for part, value in zip(parts, values, strict=True)]
        return {"bool": {"filter": terms}} if terms else None


def within(body: Mapping[str, Any], rows: Mapping[str, Any]) -> dict[str, Any]:
    """The body on the documents that the query `rows` finds. Raises NotReadable."""
    if part := next(_beside(body), ""):
        raise NotReadable(f"what '{part}' finds may depend on documents that guard.rows excludes")
    query = body.get("query")
    inside: dict[str, Any] = _with_backgrounds(dict(body), rows)
    return {**inside, "query": {"bool": {"filter": [rows, query] if query else [rows]}}}


def _parts(text: str, name: str) -> Iterator[Mapping[str, str]]:
    at, more = 0, bool(text)
    while more:
        if (match := _CONDITION.match(text, at)) is None:
            what = f"guard.rows: '{text}' cannot be used for '{name}'"
            hint = 'write field = "value", field = 3 or field = {caller.NAME}, with AND between several'
            raise ConfigError(what, where=f"guard.rows.{name}", hint=hint)
        yield match.groupdict()
        at, more = match.end(), bool(match["more"])


def _unfit(name: str, fields: Fields) -> str:
    """Why an index cannot tell documents apart by this field; empty: it can."""
    if (field := fields.get(name)) is None:
        return f"has no field '{name}'.{did_you_mean(name, fields.names)}"
    if field.nested or name in fields.conflicts or field.type not in _EXACT or field.options.get("normalizer"):
        return f"has no whole values in '{name}' ({'nested' if field.nested else field.type})"
    return ""


def _beside(node: Any) -> Iterator[str]:
    """Parts whose result may depend on documents beside those of the query."""
    if isinstance(node, list):
        for part in node:
            yield from _beside(part)
    elif isinstance(node, str):
        word = node.partition(":")[0].lower()
        yield from [word] if word in _BESIDE_VALUES else ()
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key in _BESIDE:
                yield key
            options = value if isinstance(value, Mapping) else {}
            if key == "simple_query_string" and "~" in str(options.get("query", "")):
                yield "~"
            if key not in _FILLING and "min_doc_count" in options and not whole(options["min_doc_count"]):
                yield "min_doc_count"  # 0 lists the terms of other documents
            yield from _beside(value)


def _with_backgrounds(node: Any, rows: Mapping[str, Any]) -> Any:
    """The node, in which terms are significant compared with `rows`, and not with the whole index."""
    if isinstance(node, list):
        return [_with_backgrounds(part, rows) for part in node]
    if not isinstance(node, Mapping):
        return node
    inside = {key: _with_backgrounds(value, rows) for key, value in node.items()}
    options = inside.get("significant_terms")
    if isinstance(options, dict) and "field" in options:
        own = options.get("background_filter")
        background = {"bool": {"filter": [rows, own]}} if own else rows
        inside["significant_terms"] = {**options, "background_filter": background}
    return inside
