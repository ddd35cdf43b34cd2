"""What the embedded engine answers otherwise than Elasticsearch would: refused, never scored.

    Holes.of(mapping, settings).meets({"sort": ["name"]})     → "sorts by 'name', which has a normalizer"
    not_here("400 parsing_exception: unknown query [knn]")    → True: real, but not in the embedded engine
    not_here("400 parsing_exception: unknown query [mach]")   → False: invented

Only the request that meets a hole is refused, not the whole index. The list comes from running
the embedded engine against real ones; the names that it lacks are stored by `probe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping

from dstill_querydsl.engines.probe import bare, declared, lacking, unknown

__all__ = ["Holes", "exact", "not_here"]

LARGEST = 2**53  # whole numbers beyond it lose their last digits
_FILTERS = ("synonym", "synonym_graph", "word_delimiter", "word_delimiter_graph", "elision", "kstem")
_ANALYZERS = ("english",)
_CHAR_FILTERS = ("mapping",)
_SIGNIFICANT = frozenset({"significant_terms", "significant_text"})
_WHOLE = ("long", "integer", "short", "byte")


@dataclass(frozen=True, kw_only=True)
class Holes:
    """Of one index."""

    normalized: frozenset[str] = frozenset()  # keyword fields with a normalizer
    analyzed: frozenset[str] = frozenset()  # text fields whose analysis differs
    whole: frozenset[str] = frozenset()  # integer fields
    addresses: frozenset[str] = frozenset()  # ip fields
    large: frozenset[str] = frozenset()  # fields that hold numbers beyond `LARGEST`

    @classmethod
    def of(cls, mapping: Mapping[str, Any], settings: Mapping[str, Any], large: Iterable[str] = ()) -> Holes:
        fields = dict(_fields(mapping))
        strange = _strange_analyzers(settings)
        return cls(
            normalized=frozenset(name for name, one in fields.items() if one.get("normalizer")),
            analyzed=frozenset(
                name for name, one in fields.items() if {one.get("analyzer"), one.get("search_analyzer")} & strange
            ),
            whole=frozenset(name for name, one in fields.items() if one.get("type") in _WHOLE),
            addresses=frozenset(name for name, one in fields.items() if one.get("type") == "ip"),
            large=frozenset(large),
        )

    def meets(self, body: Mapping[str, Any]) -> str:
        """Which hole `body` meets, or nothing."""
        for part, key in (("aggs", "aggregates"), ("aggregations", "aggregates"), ("sort", "sorts")):
            if found := self.normalized.intersection(_words(body.get(part))):
                return f"{key} by '{min(found)}', which has a normalizer"
        words = set(_words(body))
        if found := _SIGNIFICANT & words:
            return f"asks for {min(found)}, whose scores differ in the embedded engine"
        if found := self.analyzed & words:
            return f"searches '{min(found)}', whose analysis differs in the embedded engine"
        if found := self.large & words:
            return f"uses '{min(found)}', which holds numbers beyond 2^53"
        if any(isinstance(word, int) and abs(word) > LARGEST for word in words):
            return "holds a number beyond 2^53"
        sorts = list(_under("sort", body))
        if found := self.addresses.intersection(_words(sorts)):
            return f"sorts by '{min(found)}': the embedded engine sorts addresses as text"
        if found := self.whole.intersection(name for sort in sorts for name in _averaged(sort)):
            return f"sorts by the average or median of '{min(found)}'"
        return ""


def exact(
    documents: Iterable[tuple[str, Mapping[str, Any]]], large: set[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`documents` as they are; the fields that hold numbers beyond 2^53 go to `large` on the way."""
    for name, source in documents:
        large.update(_large(source))
        yield name, source


def not_here(reason: str) -> bool:
    """Whether the embedded engine refused something that Elasticsearch has."""
    if declared(reason) or bare(reason) in lacking()["parts"].values():
        return True
    kind, name = unknown(reason) or ("", "")
    return bool(kind) and name in lacking()[kind]


def _fields(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, one in (mapping.get("properties") or {}).items():
        path = f"{prefix}{name}"
        yield path, one
        yield from _fields(one, f"{path}.")
        yield from _fields({"properties": one.get("fields") or {}}, f"{path}.")


def _strange_analyzers(settings: Mapping[str, Any]) -> set[str | None]:
    analysis = (settings.get("index") or settings).get("analysis") or settings.get("analysis") or {}
    filters = {*_FILTERS, *_of_type(analysis.get("filter"), _FILTERS)}
    chars = set(_of_type(analysis.get("char_filter"), _CHAR_FILTERS))
    own = analysis.get("analyzer") or {}
    found = {
        name
        for name, one in own.items()
        if one.get("type") in _ANALYZERS
        or filters.intersection(_listed(one.get("filter")))
        or chars.intersection(_listed(one.get("char_filter")))
    }
    return {*found, *(name for name in _ANALYZERS if name not in own)}


def _of_type(definitions: Any, types: tuple[str, ...]) -> list[str]:
    return [name for name, one in (definitions or {}).items() if one.get("type") in types]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _words(value: Any) -> Iterator[Any]:
    """Every key and scalar of a tree; of ``title^2`` the field's name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value.partition("^")[0]
    elif isinstance(value, (int, float)):
        yield value


def _under(key: str, value: Any) -> Iterator[Any]:
    """Everything that stands under `key`, at any depth: sorts of hits and of top_hits alike."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _under(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _under(key, inner)


def _averaged(sort: Any) -> Iterator[str]:
    for key in sort if isinstance(sort, list) else [sort]:
        if isinstance(key, Mapping):
            for name, how in key.items():
                if isinstance(how, Mapping) and how.get("mode") in ("avg", "median"):
                    yield name


def _large(source: Any, path: str = "") -> Iterator[str]:
    if isinstance(source, Mapping):
        for key, inner in source.items():
            yield from _large(inner, f"{path}.{key}" if path else key)
    elif isinstance(source, list):
        for inner in source:
            yield from _large(inner, path)
    elif isinstance(source, int) and abs(source) > LARGEST:
        yield path
