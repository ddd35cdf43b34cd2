"""Schema variants of an index: the same documents under other field names, so that a student has to read the mapping.

In: an `Index` and a seed. Out: the variant, with old name → new name:

    variant = vary(bundled("weblogs"), seed=3)
    variant.index.name                          "weblogs-variant-3"
    variant.names["source.geo.city_name"]       "clientPlaceTown"
    rename(gold, variant.names)                 the gold for the variant, with the same result

The seed chooses synonyms, letter case and a prefix, whether objects are kept, flattened (``http_status`` for
``http.status``) or put into another object, and whether there are 200 to 900 more fields. The context of an example
about a variant is ``{"index": "weblogs", "variant": 3}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from dstill.api.values import Values
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.mapping.merge import plain
from dstill_querydsl.language.variants.distractors import distractors, filled
from dstill_querydsl.language.variants.moves import STRUCTURES, moved_mapping, moved_source, places
from dstill_querydsl.language.variants.naming import Naming
from dstill_querydsl.language.variants.renaming import new_name, rename

__all__ = ["Variant", "new_name", "rename", "vary"]

WIDE = (200, 900)  # additional fields of a wide variant
LIMIT = 1_000  # fields that an engine allows by default, objects and sub-fields included


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A schema variant of an index."""

    index: Index
    names: Mapping[str, str]  # old full name → new. Flattened objects have none
    structure: str  # one of `STRUCTURES`
    distractors: int  # fields that no question asks for


def vary(index: Index, seed: int, *, distractors: int | None = None) -> Variant:
    """The variant with that seed. `distractors` overrides its number of additional fields."""
    random = Random(f"{index.name} variant {seed}")
    mapping = plain(index.mapping)
    properties = mapping.get("properties", {})
    naming, structure = Naming(random), random.choice(STRUCTURES)
    names = places(properties, naming, structure, random)
    drawn = random.choice((0, random.randrange(WIDE[0], WIDE[1] + 1)))
    extra = _extra(random, drawn if distractors is None else distractors, naming, names)
    new = {**moved_mapping(properties, names), **extra}
    changed = replace(
        index,
        name=f"{index.name}-variant-{seed}",
        mapping={**mapping, "properties": _shuffled(new, random)},
        settings=_settings(index.settings, len(list(_all(new)))),
        documents=_Renamed(index, names, _objects(properties), extra, seed),
        recipe=index.recipe and f"{index.recipe}, variant {seed} with {len(extra)} further fields",
        given_values=None if index.given_values is None else _renamed_values(index.given_values, names),
    )
    return Variant(index=changed, names=names, structure=structure, distractors=len(extra))


@dataclass(frozen=True)
class _Renamed:
    """The documents of the index under their new names. Can be called several times."""

    index: Index
    names: Mapping[str, str]
    objects: frozenset[str]
    extra: Mapping[str, Any]
    seed: int

    def __call__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, source in self.index.documents():
            more = filled(self.extra, Random(f"{self.seed} {name}")) if self.extra else {}
            yield name, {**moved_source(source, self.names, self.objects), **more}


def _extra(random: Random, count: int, naming: Naming, names: Mapping[str, str]) -> dict[str, Any]:
    taken = {name.partition(".")[0] for name in (*names, *names.values())}
    return dict(distractors(random, count, naming, taken))


def _objects(properties: Mapping[str, Any], path: str = "") -> frozenset[str]:
    paths: set[str] = set()
    for key, field in properties.items():
        if "properties" in field or field.get("type") in ("object", "nested"):
            paths |= {f"{path}{key}", *_objects(field.get("properties", {}), f"{path}{key}.")}
    return frozenset(paths)


def _all(properties: Mapping[str, Any]) -> Iterator[str]:
    for key, field in properties.items():
        yield key
        yield from _all(field.get("properties", {}))
        yield from field.get("fields", {})


def _shuffled(properties: dict[str, Any], random: Random) -> dict[str, Any]:
    """In random order, so that relevant fields do not come first."""
    return {key: properties[key] for key in random.sample(sorted(properties), len(properties))}


def _settings(settings: Mapping[str, Any], fields: int) -> Mapping[str, Any]:
    return settings if fields <= LIMIT else {**settings, "index.mapping.total_fields.limit": fields}


def _renamed_values(values: Values, names: Mapping[str, str]) -> Values:
    return Values({new: known for name in values if (new := names.get(name)) and (known := values.get(name))})
