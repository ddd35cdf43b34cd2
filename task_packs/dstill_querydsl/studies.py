"""Which index an example is about, and what is worked out once for each index.

studies = Studies(Settings())
studies.index(example)    → Index(name="weblogs", …), or None where only a name is known
studies.of(example)       → Study: its fields, values, limits, grammar
"""

from __future__ import annotations

from typing import Any

from dstill.api.records import Example
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.mapping.form import require_mapping
from dstill_querydsl.mapping.index_profile import Study
from dstill_querydsl.settings import Settings

__all__ = ["Studies"]


class Studies:
    def __init__(self, config: Settings) -> None:
        self._config = config
        self._known: dict[str, Study] = {}  # by the index' digest
        self._given: tuple[Any, str, Any, Index] | None = None  # the last mapping, name and values of a context

    def index(self, example: Example) -> Index | None:
        """What the example is about; None where only a name is known. Raises DataError."""
        mapping, name = example.context.get("mapping"), str(example.context.get("index", ""))
        values = example.context.get("values")
        if mapping is None:
            return index_of(example.context, self._config)
        # Thousands of answers come with one mapping, and reading it takes longer than checking one of them.
        given = self._given  # read once: other threads set it too
        if given is None or given[0] is not mapping or given[1] != name or given[2] != values:
            require_mapping(mapping)
            index = index_of(example.context, self._config)
            assert index is not None  # it has a mapping
            self._given = given = (mapping, name, values, index)
        return given[3]

    def of(self, example: Example) -> Study | None:
        """What is worked out once of the example's index; None where only its name is known. Raises DataError."""
        index = self.index(example)
        if index is None:
            return None
        if index.digest not in self._known:
            self._known[index.digest] = Study(index, self._config.guard)
        return self._known[index.digest]
