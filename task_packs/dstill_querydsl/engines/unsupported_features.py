"""Features for which the embedded engine's result may differ from Elasticsearch's: refused, never scored.

    UnsupportedFeatures.of(mapping, settings).reason({"sort": ["name"]})     → "sorts by 'name', which has a normalizer"
    is_missing_feature("400 parsing_exception: unknown query [knn]")    → True: real, but not in the embedded engine
    is_missing_feature("400 parsing_exception: unknown query [mach]")   → False: invented

Only bodies that use such a feature are refused, not the whole index. The list comes from comparing the embedded
engine with real ones. `probe` stores the names that it lacks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.engines import unsupported_significant as significant
from dstill_querydsl.engines.probe import bare, declared, lacking, unknown
from dstill_querydsl.engines.unsupported_by_type import ByType, type_of, under, words
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields
from dstill_querydsl.language.field_types import MAX_EXACT
from dstill_querydsl.language.schema.rules import is_flat

__all__ = ["UnsupportedFeatures", "is_missing_feature", "note_large_numbers"]

_FILTERS = ("synonym", "synonym_graph", "word_delimiter", "word_delimiter_graph", "elision", "kstem")
# Analyzers whose tokens differ from OpenSearch 3.8.0, each compared on 4,000 invented words. For english no difference
# was found, but some are known.
_ANALYZERS = ("danish", "english", "finnish", "french", "romanian")
_STEMMERS = ("stemmer", "snowball")
_ENGLISH = ("english", "porter", "porter2", "minimal_english", "possessive_english")  # stemmers with equal tokens
_TEXTS = ("text", "match_only_text", "search_as_you_type")
_CHAR_FILTERS = ("mapping",)
_BY_VALUE = (("aggs", "aggregates"), ("aggregations", "aggregates"), ("sort", "sorts"), ("collapse", "collapses"))
_ANALYZER_KEYS = ("analyzer", "quote_analyzer", "search_analyzer")
_POLE = 90  # degrees
_WHOLE = ("long", "integer", "short", "byte")


@dataclass(frozen=True, kw_only=True)
class UnsupportedFeatures:
    """The features of one index that the embedded engine does not support."""

    normalized: frozenset[str] = frozenset()  # keyword fields with a normalizer
    analyzed: frozenset[str] = frozenset()  # text fields whose analysis differs
    analyzers: frozenset[str] = frozenset(_ANALYZERS)  # analyzers that differ
    integers: frozenset[str] = frozenset()  # integer fields
    addresses: frozenset[str] = frozenset()  # ip fields
    large: frozenset[str] = frozenset()  # fields with numbers beyond `MAX_EXACT`
    types: Mapping[str, str] = dataclasses.field(default_factory=dict)  # field → type
    nested: frozenset[str] = frozenset()  # nested paths
    by_type: ByType = dataclasses.field(default_factory=lambda: ByType.of({}))
    unsupported_fields: UnsupportedFields = dataclasses.field(default_factory=UnsupportedFields)  # not loaded

    @classmethod
    def of(
        cls,
        mapping: Mapping[str, Any],
        settings: Mapping[str, Any],
        large: Iterable[str] = (),
        unsupported_fields: UnsupportedFields | None = None,
    ) -> UnsupportedFeatures:
        fields = _resolved(dict(_fields(mapping)))
        different = _different_analyzers(settings)
        return cls(
            normalized=frozenset(name for name, field in fields.items() if field.get("normalizer")),
            analyzed=frozenset(name for name, field in fields.items() if _analyzers_of(field) & different),
            analyzers=frozenset(different),
            integers=frozenset(name for name, field in fields.items() if field.get("type") in _WHOLE),
            addresses=frozenset(name for name, field in fields.items() if field.get("type") == "ip"),
            large=frozenset(_with_related(set(large), mapping)),
            types={name: str(field.get("type", "object")) for name, field in fields.items()},
            nested=frozenset(name for name, field in fields.items() if field.get("type") == "nested"),
            by_type=ByType.of({name: type_of(field) for name, field in fields.items()}),
            unsupported_fields=unsupported_fields or UnsupportedFields(),
        )

    def reason(self, body: Mapping[str, Any]) -> str:
        """Why the embedded engine may answer `body` differently, as a clause about the body; empty if it does not."""
        return (
            self.unsupported_fields.reason(body)
            or self._normalizer(body)
            or significant.reason(body, self.types, self.nested)
            or self._analysis(body)
            or self._large_numbers(body)
            or self._collapse(body)
            or self._sort(body)
            or _flat_box(body)
            or _latitude(body)
            or self.by_type.reason(body)
        )

    def _normalizer(self, body: Mapping[str, Any]) -> str:
        for part, verb in _BY_VALUE:
            if names := self.normalized.intersection(words(body.get(part))):
                return f"{verb} by '{min(names)}', which has a normalizer"
        return ""

    def _analysis(self, body: Mapping[str, Any]) -> str:
        if names := self.analyzed.intersection(words(body)):
            return f"searches '{min(names)}', whose analysis differs in the embedded engine"
        if names := self.analyzers.intersection(word for key in _ANALYZER_KEYS for word in _named(key, body)):
            return f"uses the analyzer {min(names)}, whose tokens differ in the embedded engine"
        return ""

    def _large_numbers(self, body: Mapping[str, Any]) -> str:
        named = set(words(body))
        if names := self.large & named:
            return f"uses '{min(names)}', which holds numbers beyond 2^53"
        large = any(isinstance(word, int) and abs(word) > MAX_EXACT for word in named)
        return "holds a number beyond 2^53" if large else ""

    def _collapse(self, body: Mapping[str, Any]) -> str:
        nested = any(under("collapse", list(under("inner_hits", body))))
        return "collapses inner_hits, which the embedded engine ignores" if nested else ""

    def _sort(self, body: Mapping[str, Any]) -> str:
        sorts = list(under("sort", body))
        if names := self.addresses.intersection(words(sorts)):
            return f"sorts by '{min(names)}': the embedded engine sorts addresses as strings"
        if names := self.integers.intersection(name for sort in sorts for name in _averaged(sort)):
            return f"sorts by the average or median of '{min(names)}'"
        return ""


def _flat_box(body: Mapping[str, Any]) -> str:
    """The embedded engine refuses boxes without height or width; Elasticsearch accepts them."""
    for options in under("geo_bounding_box", body):
        if isinstance(options, Mapping) and any(isinstance(box, Mapping) and is_flat(box) for box in options.values()):
            return "uses a geo_bounding_box without height or width, which the embedded engine refuses"
    return ""


def _latitude(body: Mapping[str, Any]) -> str:
    """Elasticsearch refuses latitudes that do not exist, unless a body permits them; the embedded engine reads them."""
    for latitude in _latitudes(body):
        if abs(latitude) > _POLE:
            return f"has a latitude of {latitude:g} degrees, which the embedded engine accepts"
    return ""


def _latitudes(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        if "lon" in value and isinstance(latitude := value.get("lat"), int | float):
            yield latitude
        for inner in value.values():
            yield from _latitudes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _latitudes(inner)


def note_large_numbers(
    documents: Iterable[tuple[str, Mapping[str, Any]]], large: set[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield `documents` unchanged, and add fields with numbers beyond 2^53 to `large`."""
    for name, source in documents:
        large.update(_large(source))
        yield name, source


def is_missing_feature(reason: str) -> bool:
    """Whether the embedded engine refused a body because of a feature that Elasticsearch has."""
    if declared(reason) or bare(reason) in lacking()["parts"].values():
        return True
    kind, name = unknown(reason) or ("", "")
    return bool(kind) and name in lacking()[kind]


def _fields(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, field in (mapping.get("properties") or {}).items():
        path = f"{prefix}{name}"
        yield path, field
        yield from _fields(field, f"{path}.")
        yield from _fields({"properties": field.get("fields") or {}}, f"{path}.")


def _resolved(fields: dict[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The fields, with each alias replaced by the definition of its target."""
    return {
        name: fields.get(str(field.get("path")), field) if field.get("type") == "alias" else field
        for name, field in fields.items()
    }


def _with_related(names: set[str], mapping: Mapping[str, Any]) -> set[str]:
    """`names` with their sub-fields, their aliases, and the fields that they are copied to."""
    fields = dict(_fields(mapping))
    copies = {target for name in names for target in _listed(fields.get(name, {}).get("copy_to"))}
    aliases = {name for name, field in fields.items() if field.get("path") in names | copies}
    subfields = {name for name in fields if any(name.startswith(f"{root}.") for root in names)}
    return names | copies | aliases | subfields


def _analyzers_of(field: Mapping[str, Any]) -> set[str]:
    named = {str(field[key]) for key in ("analyzer", "search_analyzer", "search_quote_analyzer") if key in field}
    by_default = {"default", "default_search"} if field.get("type") in _TEXTS and "analyzer" not in field else set()
    return named | by_default


def _named(key: str, value: Any) -> Iterator[str]:
    """The strings under `key`, at any depth."""
    return (name for name in under(key, value) if isinstance(name, str))


def _different_analyzers(settings: Mapping[str, Any]) -> set[str]:
    analysis = (settings.get("index") or settings).get("analysis") or settings.get("analysis") or {}
    filters = {*_FILTERS, *_names_of_type(analysis.get("filter"), _FILTERS), *_other_stemmers(analysis.get("filter"))}
    chars = set(_names_of_type(analysis.get("char_filter"), _CHAR_FILTERS))
    own = analysis.get("analyzer") or {}
    names = {
        name
        for name, entry in own.items()
        if entry.get("type") in _ANALYZERS
        or filters.intersection(_listed(entry.get("filter")))
        or chars.intersection(_listed(entry.get("char_filter")))
    }
    return {*names, *(name for name in _ANALYZERS if name not in own)}


def _names_of_type(definitions: Any, types: tuple[str, ...]) -> list[str]:
    return [name for name, entry in (definitions or {}).items() if entry.get("type") in types]


def _other_stemmers(definitions: Any) -> list[str]:
    """Stemmers for languages other than English, and English stemmers that were not compared."""
    return [
        name
        for name, entry in (definitions or {}).items()
        if entry.get("type") in _STEMMERS
        and str(entry.get("language", entry.get("name", "english"))).lower() not in _ENGLISH
    ]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _averaged(sort: Any) -> Iterator[str]:
    for key in sort if isinstance(sort, list) else [sort]:
        if isinstance(key, Mapping):
            for name, how in key.items():
                if isinstance(how, Mapping) and str(how.get("mode")).lower() in ("avg", "median"):
                    yield name


def _large(source: Any, path: str = "") -> Iterator[str]:
    if isinstance(source, Mapping):
        for key, inner in source.items():
            yield from _large(inner, f"{path}.{key}" if path else key)
    elif isinstance(source, list):
        for inner in source:
            yield from _large(inner, path)
    elif isinstance(source, int) and abs(source) > MAX_EXACT:
        yield path
