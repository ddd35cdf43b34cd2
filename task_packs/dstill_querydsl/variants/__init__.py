"""Variants of an index: the same documents under another schema, so that a student cannot know its fields by heart.

In: an `Index`, a seed. Out: the variant and, old name → new name, what changed:

    variant = vary(bundled("weblogs"), seed=3)
    variant.index.name                          "weblogs-variant-3"
    variant.names["source.geo.city_name"]       "clientPlaceTown"
    rename(gold, variant.names)                 the gold for the variant: the same result, by other names

A seed chooses synonyms, casing and a prefix, whether objects are kept, opened (``http_status`` for ``http.status``) or
put into another object, and whether there are 200 to 900 more fields. An example that stands for one has it in its
context: ``{"index": "weblogs", "variant": 3}``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any, Iterator, Mapping

from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.values import Values
from dstill_querydsl.mapping.merge import plain
from dstill_querydsl.variants.distractors import distractors, filled
from dstill_querydsl.variants.moves import STRUCTURES, moved_mapping, moved_source, places
from dstill_querydsl.variants.naming import Naming
from dstill_querydsl.variants.renaming import new_name, rename

__all__ = ["Variant", "new_name", "rename", "vary"]

WIDE = (200, 900)  # further fields, where there are any
LIMIT = 1_000  # fields that an engine takes by default, objects and sub-fields included


@dataclass(frozen=True, kw_only=True)
class Variant:
    index: Index
    names: Mapping[str, str]  # old full name → new; objects that were opened have none
    structure: str
    distractors: int  # fields that no question asks for


def vary(index: Index, seed: int, *, distractors: int | None = None) -> Variant:
    """The variant of that seed; `distractors` overrules how many it would have."""
    random = Random(f"{index.name} variant {seed}")
    mapping = plain(index.mapping)
    properties = mapping.get("properties", {})
    naming, structure = Naming(random), random.choice(STRUCTURES)
    names = places(properties, naming, structure, random)
    drawn = random.choice((0, random.randrange(WIDE[0], WIDE[1] + 1)))
    further = _further(random, drawn if distractors is None else distractors, naming, names)
    new = {**moved_mapping(properties, names), **further}
    changed = replace(
        index,
        name=f"{index.name}-variant-{seed}",
        mapping={**mapping, "properties": _shuffled(new, random)},
        settings=_settings(index.settings, len(list(_all(new)))),
        documents=_Moved(index, names, _objects(properties), further, seed),
        recipe=index.recipe and f"{index.recipe}, variant {seed} with {len(further)} further fields",
        told=None if index.told is None else _told(index.told, names),
    )
    return Variant(index=changed, names=names, structure=structure, distractors=len(further))


@dataclass(frozen=True)
class _Moved:
    """The documents of the index under their new names; one can call it again."""

    index: Index
    names: Mapping[str, str]
    objects: frozenset[str]
    further: Mapping[str, Any]
    seed: int

    def __call__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, source in self.index.documents():
            more = filled(self.further, Random(f"{self.seed} {name}")) if self.further else {}
            yield name, {**moved_source(source, self.names, self.objects), **more}


def _further(random: Random, count: int, naming: Naming, names: Mapping[str, str]) -> dict[str, Any]:
    taken = {name.partition(".")[0] for name in (*names, *names.values())}
    return dict(distractors(random, count, naming, taken))


def _objects(properties: Mapping[str, Any], path: str = "") -> frozenset[str]:
    found: set[str] = set()
    for key, one in properties.items():
        if "properties" in one or one.get("type") in ("object", "nested"):
            found |= {f"{path}{key}", *_objects(one.get("properties", {}), f"{path}{key}.")}
    return frozenset(found)


def _all(properties: Mapping[str, Any]) -> Iterator[str]:
    for key, one in properties.items():
        yield key
        yield from _all(one.get("properties", {}))
        yield from one.get("fields", {})


def _shuffled(properties: dict[str, Any], random: Random) -> dict[str, Any]:
    """In another order, so that what matters does not stand before what does not."""
    return {key: properties[key] for key in random.sample(sorted(properties), len(properties))}


def _settings(settings: Mapping[str, Any], fields: int) -> Mapping[str, Any]:
    return settings if fields <= LIMIT else {**settings, "index.mapping.total_fields.limit": fields}


def _told(values: Values, names: Mapping[str, str]) -> Values:
    return Values({new: known for name in values if (new := names.get(name)) and (known := values.get(name))})
