"""Find the index that an example is about from its context.

index_of({"index": "movies", "variant": 3})  →  Index(name="movies-variant-3", …)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from dstill.api.values import Values
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import NAMES, Index, bundled, configured, own_index
from dstill_querydsl.language.variants import vary

__all__ = ["index_of"]


def _with_documents(index: Index, config: Any) -> Index:
    """The bundled index of that name with the mapping of `index`, if both have the same fields."""
    if index.name not in NAMES or index.given_values:
        return index
    known = bundled(index.name, getattr(config, "documents", None))
    same = known.mapping["properties"] == index.mapping.get("properties")
    return replace(known, mapping=index.mapping) if same else index


def index_of(context: Mapping[str, Any], config: Any = None) -> Index | None:
    """The index of an example's context. None if only its name is known.

    A context with its own mapping has no documents here, since they are in the user's engine. The exception is the
    mapping of a bundled index with the same fields, but other descriptions. The index that the configuration describes
    by files is found by its name. ``{"index": "movies", "variant": 3}`` is a schema variant. Raises DataError.
    """
    name = str(context.get("index", ""))
    mapping = context.get("mapping")
    if mapping is not None:
        return _with_documents(own_index(name, mapping, Values.read(context.get("values", {}))), config)
    if getattr(config, "mapping", "") and name in ("", config.index):
        return configured(config.index, config.mapping, config.values)
    if name not in NAMES:
        return None
    documents = getattr(config, "documents", None)
    if (seed := context.get("variant")) is None:
        return bundled(name, documents)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise DataError(f"{seed!r} is not a variant", where="context.variant", hint="give a whole number")
    return _variant(name, documents, seed)


@lru_cache(maxsize=64)
def _variant(name: str, documents: int | None, seed: int) -> Index:
    """The schema variant of a bundled index with that seed."""
    return vary(bundled(name, documents), seed).index
