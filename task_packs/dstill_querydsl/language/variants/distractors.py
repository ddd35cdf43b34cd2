"""Fields that no question asks for, which make an index wide.

In: a seeded random generator, a number, and the naming of the index. Out: properties of a mapping, and values for some
of them in every document:

    {"turbine_inlet_id": {"type": "keyword"}, "kiln_outer_created_at": {"type": "date"}, …}

They have nothing to do with the bundled indices. So none of them answers a question better than the right field, or
makes a refusal wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import product
from random import Random
from typing import Any

from dstill_querydsl.language.variants.naming import Naming

__all__ = ["distractors", "filled"]

_THINGS = (
    "anvil", "aquarium", "beehive", "brewery", "cistern", "conveyor", "distillery", "dredger", "dynamo", "excavator",
    "ferry", "forklift", "foundry", "furnace", "glacier", "granary", "greenhouse", "kiln", "lathe", "lighthouse",
    "loom", "mooring", "nursery", "orchard", "paddock", "quarry", "reservoir", "sawmill", "silo", "turbine", "vineyard",
    "windmill",
)  # fmt: skip
_PARTS = ("inlet", "inner", "lower", "outer", "spare", "upper")
_KEYWORD: Mapping[str, Any] = {"type": "keyword"}
_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "id": _KEYWORD,
    "owner": _KEYWORD,
    "colour": _KEYWORD,
    "caption": {"type": "text", "fields": {"keyword": _KEYWORD}},
    "notes": {"type": "text"},
    "created": {"type": "date"},
    "serviced": {"type": "date"},
    "amount": {"type": "integer"},
    "pressure": {"type": "double"},
    "volume": {"type": "double"},
    "enabled": {"type": "boolean"},
    "address": {"type": "ip"},
}
_WORDS = ("amber", "basalt", "cobalt", "delta", "ember", "flint", "garnet", "helix")
_FILLED = 6  # fields with a value in each document
_VALUES: Mapping[str, Callable[[Random], Any]] = {
    "keyword": lambda random: random.choice(_WORDS),
    "text": lambda random: " ".join(random.sample(_WORDS, 3)),
    "date": lambda random: f"20{random.randrange(10, 25)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}",
    "integer": lambda random: random.randrange(1_000),
    "double": lambda random: random.randrange(10_000) / 8,
    "boolean": lambda random: random.random() < 0.5,
    "ip": lambda random: f"203.0.113.{random.randrange(256)}",
}


def distractors(random: Random, count: int, naming: Naming, taken: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """`count` top-level fields with names that are not in `taken`. Raises ValueError if `count` is above 2,300."""
    names = list(product(_THINGS, _PARTS, _ATTRIBUTES))
    fields: dict[str, Mapping[str, Any]] = {}
    for thing, part, attribute in random.sample(names, count):
        fields[naming.segment([thing, part, attribute], {*taken, *fields})] = _ATTRIBUTES[attribute]
    return fields


def filled(fields: Mapping[str, Mapping[str, Any]], random: Random) -> dict[str, Any]:
    """Values for a few of the fields, for one document."""
    chosen = random.sample(tuple(fields), min(_FILLED, len(fields)))
    return {name: _VALUES[fields[name]["type"]](random) for name in sorted(chosen)}
