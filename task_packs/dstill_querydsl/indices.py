"""The indices that questions are about: the bundled ones, and what an example's context stands for.

bundled("weblogs").now             "2025-03-27T12:00:00Z"
bundled("weblogs", 200).documents  a callable: 200 × ("w00000", {"@timestamp": …})
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Callable, Iterable, Mapping

from dstill.errors import UsageError, did_you_mean
from dstill_querydsl import weblogs

__all__ = ["NAMES", "Index", "bundled", "index_of"]

NAMES = ("weblogs",)
DOCUMENTS = 5_000
CEILING = 20_000  # the embedded engine takes about a second per 1,300 documents


@dataclass(frozen=True, kw_only=True)
class Index:
    """A mapping and the documents under it."""

    name: str
    mapping: Mapping[str, Any]  # {"properties": …, "_meta": …}
    settings: Mapping[str, Any]
    now: str  # ISO, UTC: what `now` means in date math; empty: the time of the run
    documents: Callable[[], Iterable[tuple[str, dict[str, Any]]]]  # the same (id, source) at every call
    recipe: str = ""  # what decides the documents: generator, seed and count, or a file's hash

    @property
    def digest(self) -> str:
        """SHA-256 over the mapping and what decides the documents."""
        content = [self.name, self.mapping, self.settings, self.now, self.recipe]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=8)
def bundled(name: str, documents: int | None = None) -> Index:
    """The bundled index of that name, with as many documents as asked. Raises UsageError."""
    if name not in NAMES:
        raise UsageError(
            f"no bundled index called '{name}'.{did_you_mean(name, NAMES)}", where=f"bundled: {', '.join(NAMES)}"
        )
    count = DOCUMENTS if documents is None else documents
    if not 1 <= count <= CEILING:
        raise UsageError(f"{count} documents of '{name}' are out of range", hint=f"1 to {CEILING:,}")
    seed = 7
    return Index(
        name=name,
        mapping=weblogs.MAPPING,
        settings=weblogs.SETTINGS,
        now=weblogs.NOW,
        documents=partial(weblogs.documents, count, seed),
        recipe=f"weblogs generator 1, seed {seed}, {count} documents",
    )


def index_of(context: Mapping[str, Any], config: Any = None) -> Index | None:
    """What an example's context stands for, or None where only a name is known.

    A context with a mapping of its own has no documents here: those lie in the user's engine.
    """
    name = str(context.get("index", ""))
    mapping = context.get("mapping")
    if mapping is not None:
        now = str(mapping.get("_meta", {}).get("now", ""))
        return Index(name=name, mapping=mapping, settings={}, now=now, documents=tuple)
    if name in NAMES:
        return bundled(name, getattr(config, "documents", None))
    return None
