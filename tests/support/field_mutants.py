"""Bodies with one field's name exchanged for another, as a model might take one for the other.

    mutants({"query": {"term": {"actor.login": "x"}}}, ["actor.login", "actor.id"], draw)
    → FieldMutant(old="actor.login", new="actor.id", body={"query": {"term": {"actor.id": "x"}}})

Whether that is an error, silently empty, or no harm, is for an engine to say.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FieldMutant", "Seen", "mutants", "verdict"]


@dataclass(frozen=True, kw_only=True)
class FieldMutant:
    old: str
    new: str
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an engine's reply amounts to."""

    total: int
    results: int  # aggregations with a bucket or a value
    whole: str  # ids and aggregations, to tell equal replies


def mutants(body: Mapping[str, Any], names: Sequence[str], draw: random.Random, n: int) -> Iterator[FieldMutant]:
    """Up to `n` mutants of `body`; each exchanges every mention of one of its fields."""
    used = sorted({name for name in _mentions(body) if name in names})
    seen: set[tuple[str, str]] = set()
    for _ in range(3 * n if used else 0):
        old = draw.choice(used)
        new = draw.choice((*_others(old, names), *draw.sample(names, min(4, len(names)))))
        if new != old and (old, new) not in seen and len(seen) < n:
            seen.add((old, new))
            yield FieldMutant(old=old, new=new, body=_exchanged(body, old, new))


def _others(name: str, names: Sequence[str]) -> list[str]:
    """Names that look like `name`: misspelt, of another case, a sub-field, an object around it."""
    last = name.rsplit(".", 1)[-1]
    made = [f"{name}.keyword", f"{name}.raw", name.upper(), name.replace("_", ""), f"{name}s", last, name[:-1] or "x"]
    return [*made, *([name.rsplit(".", 1)[0]] if "." in name else [])]


def _mentions(value: Any) -> Iterator[str]:
    """Every key and every text in a body: what may be a field's name, without its boost."""
    if isinstance(value, str):
        yield value.split("^", 1)[0]
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield key
        yield from _mentions(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _mentions(inner)


def _exchanged(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return new + value[len(old) :] if value.split("^", 1)[0] == old else value
    if isinstance(value, list):
        return [_exchanged(inner, old, new) for inner in value]
    if isinstance(value, Mapping):
        return {new if key == old else key: _exchanged(inner, old, new) for key, inner in value.items()}
    return value


def verdict(was: Seen, now: Seen) -> str:
    """What came of an exchange that an engine ran: silent_empty_hits, silent_empty_aggs, changed or same."""
    if was.total and not now.total:
        return "silent_empty_hits"
    if was.results and not now.results:
        return "silent_empty_aggs"
    return "same" if was.whole == now.whole else "changed"
