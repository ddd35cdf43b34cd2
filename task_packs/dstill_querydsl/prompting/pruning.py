"""Select the fields of a wide mapping that a question is about. Prompts show these, with a notice.

    pruner = Pruner({"properties": {"took_ms": {"type": "long"}, …}}, values)      # 900 fields
    pruner.prune("requests that took over 2 s", 120)
    -> Pruned(mapping={"properties": {"took_ms": …}}, shown=120, total=900)

A field is scored by the words that the question shares with its path, its description and its known values. A rare word
counts more, and a few words stand for a schema's words (slow: duration). Some date fields and the fields in `keep`
(those of the shots) are always selected. Ties go to fields with known values, then to fields whose names have the
rarest words, since fields that repeat a pattern say little. Sub-fields come with their field. The same question gives
the same fields. Not covered: other synonyms.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from dstill.api.values import Values
from dstill.linked.names import stems
from dstill_querydsl.language.field_types import family
from dstill_querydsl.prompting.pruning_words import CUES, MEANINGS, YEAR, shared

__all__ = ["Pruned", "Pruner", "only"]

# The weight of a word in the name of a field, in the path above it, in its description, and as a value.
_NAME, _PATH, _DESCRIPTION, _VALUE = 3.0, 1.0, 1.5, 2.0
_STEM = 4  # first letters that two forms of one word have in common
_CUTOFF = 0.75  # difflib's ratio, for typing errors
_DATES = 0.25  # of the limit, at most, goes to dates that no word asks for
_CUE = 1.0
_RELATED = 0.6


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """A mapping with the selected fields, and how many fields that is."""

    mapping: Mapping[str, Any]
    shown: int
    total: int

    @property
    def notice(self) -> str:
        """A notice for the reader of the mapping. Empty if all fields are shown."""
        if self.shown == self.total:
            return ""
        return f"{self.shown} of {self.total:,} fields shown, those nearest to the question"


@dataclass(frozen=True, eq=False)
class _MappedField:
    path: str
    definition: Mapping[str, Any]
    number: int  # in the mapping's order
    known: int  # its place among the fields with known values, or a higher number without known values


class Pruner:
    """Selects fields of one plain mapping."""

    def __init__(self, mapping: Mapping[str, Any], values: Values, *, ranked: bool = False) -> None:
        """`ranked`: `values` starts with the fields that most documents have, as `init` writes it."""
        self._mapping, self._values = mapping, values
        places = {name: place if ranked else 0 for place, name in enumerate(values)}
        pairs = [*_leaves(mapping.get("properties"), ""), *_leaves(mapping.get("runtime"), "")]
        self._leaves = [
            _MappedField(path, field, number, _place(places, path, field)) for number, (path, field) in enumerate(pairs)
        ]
        self._words: dict[str, dict[int, float]] = defaultdict(dict)  # word → leaf → weight
        for leaf in self._leaves:
            for word, weight in _words_of(leaf, values):
                self._words[word][leaf.number] = max(weight, self._words[word].get(leaf.number, 0.0))
        self._sorted = sorted(self._words)
        self._rarity = {
            leaf.number: min((len(self._words[w]) for w in stems(leaf.path)), default=0) for leaf in self._leaves
        }
        self._near = lru_cache(maxsize=4096)(self._near_words)

    def prune(self, question: str, limit: int, keep: Collection[str] = ()) -> Pruned:
        """The mapping with at most `limit` fields."""
        total = len(self._leaves)
        if total <= limit:
            return Pruned(mapping=self._mapping, shown=total, total=total)
        chosen = {leaf.path for leaf in self._ranked(question, limit, keep)[:limit]}
        mapping = dict(self._mapping)
        for part in ("properties", "runtime"):
            if isinstance(mapping.get(part), Mapping):
                mapping[part] = only(mapping[part], chosen, "")
        return Pruned(mapping=mapping, shown=len(chosen), total=total)

    def _ranked(self, question: str, limit: int, keep: Collection[str]) -> list[_MappedField]:
        points = self._points(question)
        by_points = sorted(
            self._leaves,
            key=lambda leaf: (
                -points[leaf.number],
                leaf.known,
                self._rarity[leaf.number],
                leaf.path.count("."),
                leaf.number,
            ),
        )
        kept = [leaf for leaf in by_points if _is_kept(leaf, keep)]
        dates = [leaf for leaf in by_points if family(str(leaf.definition.get("type"))) == "date"]
        first = [*kept, *dates[: max(1, int(limit * _DATES))]]
        return list(dict.fromkeys([*first, *by_points]))

    def _points(self, question: str) -> dict[int, float]:
        points: dict[int, float] = defaultdict(float)
        for word in dict.fromkeys(stems(question)):
            related = ((meant, _RELATED) for meant in stems(MEANINGS.get(word, "")) if meant in self._words)
            for near, quality in (*self._near(word), *related):
                fields = self._words[near]
                rare = math.log(1 + len(self._leaves) / len(fields))
                for number, weight in fields.items():
                    points[number] += quality * weight * rare
        for cue, kind in CUES:
            if cue.search(question):
                for leaf in self._leaves:
                    points[leaf.number] += _CUE * (family(str(leaf.definition.get("type"))) == kind)
        for year in YEAR.findall(question):
            for leaf in self._leaves:
                points[leaf.number] += _CUE * self._includes(leaf, year)
        return points

    def _includes(self, leaf: _MappedField, year: str) -> bool:
        """Whether the known range of a date includes that year."""
        known = self._values.get(leaf.path)
        if known is None or not (isinstance(known.low, str) and isinstance(known.high, str)):
            return False
        return known.low[:4] <= year <= known.high[:4]

    def _near_words(self, word: str) -> tuple[tuple[str, float], ...]:
        """Words of the mapping that may be meant, with a confidence from 0 to 1."""
        exact = ((word, 1.0),) if word in self._words else ()
        if len(word) > _STEM and word[: _STEM - 1] in self._words:  # a short form: mag for magnitude
            exact = (*exact, (word[: _STEM - 1], _RELATED))
        if len(word) < _STEM or word.isdigit():
            return exact
        forms = tuple((form, shared(form, word)) for form in self._starting(word[:_STEM]) if form != word)
        if exact or forms:
            return (*exact, *forms)
        alike = [other for other in self._starting(word[:1]) if abs(len(other) - len(word)) <= 2]
        return tuple((match, 0.5) for match in get_close_matches(word, alike, n=3, cutoff=_CUTOFF))

    def _starting(self, stem: str) -> Iterator[str]:
        for at in range(bisect_left(self._sorted, stem), len(self._sorted)):
            if not self._sorted[at].startswith(stem):
                return
            yield self._sorted[at]


def _place(places: Mapping[str, int], path: str, definition: Mapping[str, Any]) -> int:
    names = (path, *(f"{path}.{sub}" for sub in definition.get("fields") or ()))
    return min((places[name] for name in names if name in places), default=len(places) + 1)


def _leaves(properties: Any, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Fields with values. Objects and nested fields are replaced by the fields in them."""
    for name, definition in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(definition, Mapping):
            continue
        if isinstance(definition.get("properties"), Mapping):
            yield from _leaves(definition["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", definition


def only(properties: Mapping[str, Any], chosen: set[str], prefix: str) -> dict[str, Any]:
    """`properties` with the chosen fields only, without empty objects."""
    left: dict[str, Any] = {}
    for name, definition in properties.items():
        path = f"{prefix}{name}"
        if not isinstance(definition, Mapping):
            continue
        if not isinstance(definition.get("properties"), Mapping):
            if path in chosen:
                left[name] = definition
        elif inner := only(definition["properties"], chosen, f"{path}."):
            left[name] = {**definition, "properties": inner}
    return left


def _is_kept(leaf: _MappedField, keep: Collection[str]) -> bool:
    return leaf.path in keep or any(f"{leaf.path}.{sub}" in keep for sub in leaf.definition.get("fields") or ())


# --- words ------------------------------------------------------------------------------


def _words_of(leaf: _MappedField, values: Values) -> Iterator[tuple[str, float]]:
    above, _, name = leaf.path.rpartition(".")
    described = ((text, _DESCRIPTION) for text in _texts(leaf.definition.get("meta")))
    for text, weight in ((name, _NAME), (above, _PATH), *described):
        yield from ((word, weight) for word in stems(text))
    for path in (leaf.path, *(f"{leaf.path}.{sub}" for sub in leaf.definition.get("fields") or ())):
        known = values.get(path)
        for value in known.values if known else ():
            yield from ((word, _VALUE) for word in stems(str(value)) if not isinstance(value, (bool, Mapping)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
