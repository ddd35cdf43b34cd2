"""The executor ``duckdb``: DuckDB in this process, without access to files and extensions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.errors import ServiceError, needs
from dstill_sql.databases import File, Rows
from dstill_sql.engines.bounded import bounded
from dstill_sql.engines.embedded import Embedded, EmbeddedSettings, hint_of_other

if TYPE_CHECKING:
    import duckdb

    from dstill_sql.catalogs import Catalog

__all__ = ["DuckDb", "DuckDbSettings"]


@dataclass(frozen=True, kw_only=True)
class DuckDbSettings(EmbeddedSettings):
    """The section ``[executor.duckdb]``."""

    memory_mb: int = field(
        default=1_000,
        metadata={
            "low": 50,
            "high": 1_000_000,
            "help": "Most memory of a query, and of its result, in MB.",
            "trust": "limits",
        },
    )


class DuckDb(Embedded):
    """DuckDB."""

    name = "duckdb"
    dialect = "duckdb"
    url_schemes: ClassVar[tuple[str, ...]] = ("duckdb",)
    distributions = ("duckdb", "sqlglot")
    Config: ClassVar[type] = DuckDbSettings
    config: DuckDbSettings

    @property
    def label(self) -> str:
        return f"DuckDB {_library().__version__}"

    @property
    def refuses(self) -> tuple[type[Exception], ...]:
        return (_library().Error,)

    def is_of_file(self, error: Exception) -> bool:
        library = _library()
        return isinstance(error, (library.IOException, library.FatalException)) or "Corrupt" in str(error)

    def _load(self, data: Rows) -> duckdb.DuckDBPyConnection:
        from dstill_sql.schema import Schema, quoted

        connection: duckdb.DuckDBPyConnection = _library().connect(":memory:", config=self._limits())
        cells = data.read()
        for table in data.schema.in_dialect("duckdb").tables:
            connection.execute(Schema(tables=(table,), dialect="duckdb").ddl())
            if rows := cells.get(table.name):
                columns = ", ".join(f"unnest(${place})" for place in range(1, len(table.columns) + 1))
                text = f"INSERT INTO {quoted(table.name, 'duckdb')} SELECT {columns}"
                connection.execute(text, [list(column) for column in zip(*rows, strict=True)])
        return connection

    def open_file(self, data: File) -> duckdb.DuckDBPyConnection:
        library = _library()
        try:
            connection: duckdb.DuckDBPyConnection = library.connect(
                str(data.path), read_only=True, config=self._limits()
            )
        except library.Error as error:
            told = f"DuckDB cannot open the database: {str(error).splitlines()[0]}"
            raise ServiceError(told, where=str(data.path), hint=hint_of_other(data.path, "duckdb")) from None
        return connection

    def catalog(self, data: File) -> Catalog:
        from dstill_sql.catalogs import of_duckdb

        with closing(self.open_file(data)) as connection:
            try:
                return of_duckdb(connection)
            except self.refuses as error:
                raise ServiceError(str(error).splitlines()[0], where=str(data.path)) from None

    def _limits(self) -> dict[str, Any]:
        return {
            "threads": 1,
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,  # a name is never that of a variable
            "memory_limit": f"{self.config.memory_mb}MB",
            "max_temp_directory_size": "0MB",
            "lock_configuration": True,
        }

    def _fetch(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        found = connection.execute(text)
        rows = iter(found.fetchone, None)  # DuckDB's own limit does not count them
        return [column[0] for column in found.description], bounded(rows, most, self.config.memory_mb * 2**20)


def _library() -> Any:
    with needs("the executor duckdb", "sql"):
        import duckdb
    return duckdb
