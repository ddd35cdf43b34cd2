"""The index that an example is about, by what its context says.

index_of({"index": "movies", "variant": 3})  →  Index(name="movies-variant-3", …)
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Mapping

from dstill.errors import DataError
from dstill_querydsl.bundle.indices import NAMES, Index, bundled, configured, own
from dstill_querydsl.language.values import Values
from dstill_querydsl.variants import vary

__all__ = ["index_of"]


def _with_documents(index: Index, config: Any) -> Index:
    """The bundled index of that name, where `index` has its fields and only says other things of them."""
    if index.name not in NAMES or index.told:
        return index
    known = bundled(index.name, getattr(config, "documents", None))
    same = known.mapping["properties"] == index.mapping.get("properties")
    return replace(known, mapping=index.mapping) if same else index


def index_of(context: Mapping[str, Any], config: Any = None) -> Index | None:
    """What an example's context stands for, or None where only a name is known.

    A context with a mapping of its own has no documents here (those lie in the user's engine), unless
    it is a bundled index' mapping that says other things of the same fields. The index that the
    configuration describes by files is known by its name. ``{"index": "movies", "variant": 3}`` stands
    for a schema variant.
    """
    name = str(context.get("index", ""))
    mapping = context.get("mapping")
    if mapping is not None:
        return _with_documents(own(name, mapping, Values.read(context.get("values", {}))), config)
    if getattr(config, "mapping", "") and name in ("", config.index):
        return configured(config.index, config.mapping, config.values)
    if name not in NAMES:
        return None
    documents = getattr(config, "documents", None)
    if (seed := context.get("variant")) is None:
        return bundled(name, documents)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise DataError(f"{seed!r} is no variant", where="context.variant", hint="a variant is a whole number")
    return _variant(name, documents, seed)


@lru_cache(maxsize=64)
def _variant(name: str, documents: int | None, seed: int) -> Index:
    """The bundled index under the schema of that seed."""
    return vary(bundled(name, documents), seed).index
