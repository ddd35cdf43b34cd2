"""Rules that the documents of an index never break, though the mapping does not have them: test databases keep them.

    dependencies(layout, search)
    {"whole": ["city"], "unique": ["name"], "few": {"city": 3},
     "together": [{"fields": ["code", "city"], "values": [["OSL", "Oslo"], …]}]}

Fields that no document lacks, and those whose values are there once; how many values a field with few of them has; and
fields that determine each other, such as a code and its name, with the values that go together. Only fields at
the top. What the engine refuses is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, permutations
from random import Random
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill.linked.names import mentions
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.testdata.layout import Layout

__all__ = ["Keeper", "dependencies"]

Facts = Mapping[str, Any]
Document = tuple[str, dict[str, Any]]
_FIELDS = 40
_BATCH = 10  # fields of a request; the guard limits its aggregations
_FEWEST = 4  # documents that show that values are unique
_FEW = 10  # values, as many as `terms` shows
_MOST = 100  # values of fields that determine each other
_TEXTS = ("keyword", "text")
_PAIRED = (*_TEXTS, "number")  # keys of buckets are the values of documents
_GROUPING = ("terms", "cardinality")


# --- reading them -------------------------------------------------------------------------


def dependencies(layout: Layout, search: Callable[[Mapping[str, Any]], Outcome]) -> Facts:
    """The dependencies in the documents that `search` finds."""
    names = {home: name for home in layout.fillable if (name := _aggregated(layout, home))}
    names = dict(list(names.items())[:_FIELDS])
    whole, count = list[str](), dict[str, int]()
    for start in range(0, len(names), _BATCH):
        batch = list(names.items())[start : start + _BATCH]
        filled = {f"filled {name}": {"filter": {"exists": {"field": name}}} for _, name in batch}
        different = {f"different {name}": {"cardinality": {"field": name}} for _, name in batch}
        reply = search({"size": 0, "track_total_hits": True, "aggs": filled | different})
        if reply.kind is not OutcomeKind.OK:
            return {}
        total, results = reply.value["total"]["value"], reply.value["aggregations"]
        whole += [home for home, name in batch if results[f"filled {name}"]["doc_count"] == total]
        count |= {home: results[f"different {name}"]["value"] for home, name in batch}
    repeating = [
        home for home in whole if 1 < count[home] < min(total, _MOST) and layout.fillable[home].family in _PAIRED
    ]
    pairs = [pair for pair in combinations(repeating, 2) if count[pair[0]] == count[pair[1]]]
    together = [
        {"fields": pair, "values": values}
        for pair in pairs
        if len(values := _values([names[home] for home in pair], search)) == count[pair[0]]
    ]
    return {
        "whole": whole,
        "unique": [home for home in whole if count[home] == total >= _FEWEST],
        "few": {home: number for home, number in count.items() if 0 < number <= _FEW},
        "together": together,
    }


def _aggregated(layout: Layout, home: str) -> str:
    """The name by which a field can be aggregated; empty: there is none, or it is not at the top."""
    field = layout.fillable[home]
    if field.nested or field.family == "geo_point" or "." in home:
        return ""
    return next((sub.name for sub in layout.subs(home) if sub.family != "text"), "")


def _values(names: Sequence[str], search: Callable[[Mapping[str, Any]], Outcome]) -> list[list[Any]]:
    """The values of the second field for each of the first; empty if there are several."""
    inner = {"b": {"terms": {"field": names[1], "size": 2}}}
    reply = search({"size": 0, "aggs": {"a": {"terms": {"field": names[0], "size": _MOST}, "aggs": inner}}})
    buckets = reply.value["aggregations"]["a"]["buckets"] if reply.kind is OutcomeKind.OK else []
    values = [[bucket["key"], *(other["key"] for other in bucket["b"]["buckets"])] for bucket in buckets]
    seconds = {pair[-1] for pair in values}
    return values if all(len(pair) == 2 for pair in values) and len(seconds) == len(values) else []


# --- keeping them -------------------------------------------------------------------------


class Keeper:
    """Changes made-up documents so that they keep the dependencies, but not the fields that the gold compares."""

    def __init__(self, facts: Facts, body: Mapping[str, Any], question: str, layout: Layout) -> None:
        self._facts, self._layout = facts, layout
        used = list(uses(body))
        self._grouped = {layout.source_field(use.name) for use in used if use.operator in _GROUPING}
        self._compared = {layout.source_field(use.name) for use in used if use.kind == "query"}  # in conditions
        self._partners = list(_partners(facts, {layout.source_field(use.name) for use in used}, question))

    @property
    def content(self) -> Any:
        """The facts that the documents depend on, as JSON has them."""
        return [self._facts, [pair[:2] for pair in self._partners]]

    def keep(self, documents: Sequence[Document], random: Random) -> Sequence[Document]:
        """The documents with the dependencies."""
        for name in self._facts.get("whole", ()):
            self._fill(name, documents, random)
        for name, number in self._facts.get("few", {}).items():
            if name in self._grouped - self._compared:
                _limit(name, documents, number)
        for name in self._facts.get("unique", ()):
            # who asks for groups means that there can be several documents in one
            if name not in self._compared | self._grouped:
                self._number(name, documents)
        for own, other, values in self._partners:
            for _, source in documents:
                if (value := source.get(own)) is not None:
                    partners = [self._partner(item, other, values) for item in _listed(value)]
                    source[other] = partners if isinstance(value, list) else partners[0]
        return documents

    def _fill(self, name: str, documents: Sequence[Document], random: Random) -> None:
        there = [source[name] for _, source in documents if name in source]
        for _, source in documents if there else ():
            source.setdefault(name, random.choice(there))

    def _number(self, name: str, documents: Sequence[Document]) -> None:
        """Give texts that repeat a number."""
        if self._layout.fillable[name].family not in _TEXTS:
            return
        seen = set[Any]()
        for number, (_, source) in enumerate(documents):
            if isinstance(value := source.get(name), str):
                source[name] = f"{value} {number}" if value in seen else value
                seen.add(value)

    def _partner(self, value: Any, name: str, values: dict[Any, Any]) -> Any:
        """The value of a field that goes with one of another field; a new one for a new one."""
        if value not in values:
            text = self._layout.fillable[name].family in _TEXTS
            values[value] = f"other-{len(values)}" if text else 1_000_000 + len(values)
        return values[value]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _limit(name: str, documents: Sequence[Document], number: int) -> None:
    """Use only so many values of a field."""
    values = list(dict.fromkeys(v for _, source in documents if not isinstance(v := source.get(name), (list, dict))))
    place = {value: at % number for at, value in enumerate(value for value in values if value is not None)}
    first = list(place)[:number]
    for _, source in documents:
        if not isinstance(value := source.get(name), (list, dict)) and value in place:
            source[name] = first[place[value]]


def _partners(facts: Facts, used: set[str], question: str) -> Iterator[tuple[str, str, dict[Any, Any]]]:
    """Pairs of a field that the gold uses and one that it does not, which determine each other; and their values.

    Not if the question names the field: then the other one is not what is asked for.
    """
    for pair in facts.get("together", ()):
        for own, other in permutations(range(2)):
            name, partner = pair["fields"][own], pair["fields"][other]
            if name in used and partner not in used and not mentions(name, question):
                yield name, partner, {values[own]: values[other] for values in pair["values"]}
