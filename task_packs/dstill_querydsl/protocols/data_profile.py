"""The indices that questions are about: read from a server, described, compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dstill.api.drift import unlearnt
from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.api.records import Example
from dstill_querydsl.language.mapping.data_profile import facts_of, licences_of
from dstill_querydsl.options import index

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryDataProfile"]


class QueryDataProfile(DataProfile):
    """Fields of indices, and their licences."""

    task: QueryDsl

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        from dstill_querydsl.engines import HttpSettings
        from dstill_querydsl.engines.describe import describe

        settings = settings if isinstance(settings, HttpSettings) else HttpSettings()
        return describe(engine, settings, self.task.config)

    def choices(self, engine: Engine, settings: Any = None) -> Mapping[str, Mapping[str, Any]]:
        from dstill_querydsl.engines import HttpSettings
        from dstill_querydsl.engines.describe import indices

        settings = settings if isinstance(settings, HttpSettings) else HttpSettings()
        return {name: index(name).settings for name in indices(engine, settings)}

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        return facts_of(examples, self.task.profiles)

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        return unlearnt(then, now, "fields")

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        return licences_of(examples, self.task.profiles, self.task.config.index)
