"""The index of an example, and its profile, computed once for each index.

profiles = IndexProfiles(Settings())
profiles.index(example)    → Index(name="weblogs", …), or None if only its name is known
profiles.of(example)       → IndexProfile: fields, values, limits, grammar
"""

from __future__ import annotations

from typing import Any

from dstill.api.glossary import glossary_in
from dstill.api.records import Example
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index, aliases_in
from dstill_querydsl.language.mapping.form import require_mapping
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.settings import Settings

__all__ = ["IndexProfiles"]


class IndexProfiles:
    """Profiles of all indices that a task's examples are about."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._known: dict[str, IndexProfile] = {}  # by the index's digest
        self._latest: tuple[Any, str, Any, Index] | None = None  # mapping, name and values of the last context

    def index(self, example: Example) -> Index | None:
        """The index that the example is about. None if only its name is known. Raises DataError."""
        mapping, name = example.context.get("mapping"), str(example.context.get("index", ""))
        values = example.context.get("values")
        if mapping is None:
            return index_of(example.context, self._config)
        # Thousands of answers share one mapping, and reading it takes longer than checking an answer.
        entry = self._latest  # read once, since other threads set it too
        if entry is None or entry[0] is not mapping or entry[1] != name or entry[2] != values:
            require_mapping(mapping)
            index = index_of(example.context, self._config)
            assert index is not None  # because there is a mapping
            self._latest = entry = (mapping, name, values, index)
        return entry[3]

    def of(self, example: Example) -> IndexProfile | None:
        """The profile of the example's index. None if only its name is known. Raises DataError."""
        index = self.index(example)
        if index is None:
            return None
        if index.digest not in self._known:
            aliases = aliases_in(self._config.aliases)
            glossary = glossary_in(self._config.glossary, "task.querydsl.glossary")
            profile = IndexProfile(index, self._config.guard, aliases, glossary, self._config.dialect)
            self._known[index.digest] = profile
        return self._known[index.digest]
