"""What the embedded engine answers otherwise than Elasticsearch would: refused, never scored.

    Holes.of(mapping, settings).meets({"sort": ["name"]})     → "sorts by 'name', which has a normalizer"
    not_here("400 parsing_exception: unknown query [knn]")    → True: real, but not in the embedded engine
    not_here("400 parsing_exception: unknown query [mach]")   → False: invented

Only the request that meets a hole is refused, not the whole index. The list comes from running
the embedded engine against real ones; the names that it lacks are stored by `probe`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping

from dstill_querydsl.engines import unsupported_significant as significant
from dstill_querydsl.engines.probe import bare, declared, lacking, unknown
from dstill_querydsl.engines.unsupported_by_type import ByType, type_of, under, words
from dstill_querydsl.engines.unsupported_fields import Unheld

__all__ = ["Holes", "exact", "not_here"]

LARGEST = 2**53  # whole numbers beyond it lose their last digits
_FILTERS = ("synonym", "synonym_graph", "word_delimiter", "word_delimiter_graph", "elision", "kstem")
# Held against OpenSearch 3.8.0 over 4,000 made-up words each: of the analyzers of Elasticsearch that it has, these
# give other tokens; of english no difference was found, and it is known to have some.
_ANALYZERS = ("danish", "english", "finnish", "french", "romanian")
_STEMMERS = ("stemmer", "snowball")
_ENGLISH = ("english", "porter", "porter2", "minimal_english", "possessive_english")  # stemmers that are alike
_TEXTS = ("text", "match_only_text", "search_as_you_type")
_CHAR_FILTERS = ("mapping",)
_BY_VALUE = (("aggs", "aggregates"), ("aggregations", "aggregates"), ("sort", "sorts"), ("collapse", "collapses"))
_ANALYZER_KEYS = ("analyzer", "quote_analyzer", "search_analyzer")
_WHOLE = ("long", "integer", "short", "byte")


@dataclass(frozen=True, kw_only=True)
class Holes:
    """Of one index."""

    normalized: frozenset[str] = frozenset()  # keyword fields with a normalizer
    analyzed: frozenset[str] = frozenset()  # text fields whose analysis differs
    analyzers: frozenset[str] = frozenset(_ANALYZERS)  # those that make it differ
    whole: frozenset[str] = frozenset()  # integer fields
    addresses: frozenset[str] = frozenset()  # ip fields
    large: frozenset[str] = frozenset()  # fields that hold numbers beyond `LARGEST`
    types: Mapping[str, str] = field(default_factory=dict)  # of all fields
    nested: frozenset[str] = frozenset()  # paths
    by_type: ByType = field(default_factory=lambda: ByType.of({}))
    unheld: Unheld = field(default_factory=Unheld)  # what the index goes without

    @classmethod
    def of(
        cls,
        mapping: Mapping[str, Any],
        settings: Mapping[str, Any],
        large: Iterable[str] = (),
        unheld: Unheld | None = None,
    ) -> Holes:
        fields = _resolved(dict(_fields(mapping)))
        strange = _strange_analyzers(settings)
        return cls(
            normalized=frozenset(name for name, one in fields.items() if one.get("normalizer")),
            analyzed=frozenset(name for name, one in fields.items() if _analyzers_of(one) & strange),
            analyzers=frozenset(strange),
            whole=frozenset(name for name, one in fields.items() if one.get("type") in _WHOLE),
            addresses=frozenset(name for name, one in fields.items() if one.get("type") == "ip"),
            large=frozenset(_with_others(set(large), mapping)),
            types={name: str(one.get("type", "object")) for name, one in fields.items()},
            nested=frozenset(name for name, one in fields.items() if one.get("type") == "nested"),
            by_type=ByType.of({name: type_of(one) for name, one in fields.items()}),
            unheld=unheld or Unheld(),
        )

    def meets(self, body: Mapping[str, Any]) -> str:
        """Which hole `body` meets, or nothing."""
        if why := self.unheld.reached(body):
            return why
        for part, key in _BY_VALUE:
            if found := self.normalized.intersection(words(body.get(part))):
                return f"{key} by '{min(found)}', which has a normalizer"
        named = set(words(body))
        if why := significant.differs(body, self.types, self.nested):
            return why
        if found := self.analyzed & named:
            return f"searches '{min(found)}', whose analysis differs in the embedded engine"
        if found := self.analyzers.intersection(word for key in _ANALYZER_KEYS for word in _named(key, body)):
            return f"asks for the analyzer {min(found)}, whose words differ in the embedded engine"
        if found := self.large & named:
            return f"uses '{min(found)}', which holds numbers beyond 2^53"
        if any(isinstance(word, int) and abs(word) > LARGEST for word in named):
            return "holds a number beyond 2^53"
        if any(under("collapse", list(under("inner_hits", body)))):
            return "collapses inner_hits once more, which the embedded engine passes over"
        sorts = list(under("sort", body))
        if found := self.addresses.intersection(words(sorts)):
            return f"sorts by '{min(found)}': the embedded engine sorts addresses as text"
        if found := self.whole.intersection(name for sort in sorts for name in _averaged(sort)):
            return f"sorts by the average or median of '{min(found)}'"
        return self.by_type.meets(body)


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


def _resolved(fields: dict[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each alias as the field that it stands for."""
    return {
        name: fields.get(str(one.get("path")), one) if one.get("type") == "alias" else one
        for name, one in fields.items()
    }


def _with_others(names: set[str], mapping: Mapping[str, Any]) -> set[str]:
    """`names`, with their sub-fields, their aliases, and the fields that they are copied to."""
    fields = dict(_fields(mapping))
    copies = {target for name in names for target in _listed(fields.get(name, {}).get("copy_to"))}
    aliases = {name for name, one in fields.items() if one.get("path") in names | copies}
    beneath = {name for name in fields if any(name.startswith(f"{one}.") for one in names)}
    return names | copies | aliases | beneath


def _analyzers_of(field: Mapping[str, Any]) -> set[str]:
    named = {str(field[key]) for key in ("analyzer", "search_analyzer", "search_quote_analyzer") if key in field}
    by_default = {"default", "default_search"} if field.get("type") in _TEXTS and "analyzer" not in field else set()
    return named | by_default


def _named(key: str, value: Any) -> Iterator[str]:
    """The names that stand under `key`, at any depth."""
    return (name for name in under(key, value) if isinstance(name, str))


def _strange_analyzers(settings: Mapping[str, Any]) -> set[str]:
    analysis = (settings.get("index") or settings).get("analysis") or settings.get("analysis") or {}
    filters = {*_FILTERS, *_of_type(analysis.get("filter"), _FILTERS), *_foreign(analysis.get("filter"))}
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


def _foreign(definitions: Any) -> list[str]:
    """Stemmers of another language than English, or of a way to stem it that was not compared."""
    return [
        name
        for name, one in (definitions or {}).items()
        if one.get("type") in _STEMMERS and str(one.get("language", one.get("name", "english"))).lower() not in _ENGLISH
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
    elif isinstance(source, int) and abs(source) > LARGEST:
        yield path
