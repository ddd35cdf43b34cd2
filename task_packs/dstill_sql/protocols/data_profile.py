"""The databases that questions are about: read from a server, described, compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.api.records import Example
from dstill.api.task import data_of

if TYPE_CHECKING:
    from dstill_sql.language.database.database import Database
    from dstill_sql.pack import Sql

__all__ = ["SqlDataProfile"]


class SqlDataProfile(DataProfile):
    """Schemas of databases, and their licences."""

    task: Sql

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        from dstill_sql.engines.describe import describe

        return describe(engine, settings, self.task.config)

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_sql.engines.catalogs import facts_of

        databases = self._databases(examples).items()
        return {name: facts_of(database.schema) for name, database in databases if name and database is not None}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        from dstill_sql.language.database.drift import unlearnt

        return unlearnt(then, now)

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        databases = self._databases(examples).items()
        return {name: (database.licence if database else "") or "unknown" for name, database in databases}

    def _databases(self, examples: Sequence[Example]) -> Mapping[str, Database | None]:
        return {data_of(self.task, example): self.task.database(example) for example in examples}
