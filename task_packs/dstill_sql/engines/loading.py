"""Copies bundled and test databases to a PostgreSQL server, each to a new schema that is dropped at the end.

loader = Loader(Engine(url="postgresql://127.0.0.1/scratch", load_data=True))
loader.schema_of(rows)          # "dstill_9f2c51ab", filled at the first call
loader.close()
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any, LiteralString

from dstill.api.engine import Engine
from dstill.errors import ServiceError
from dstill_sql.engines.connecting import connect, library
from dstill_sql.engines.parsers.postgres import confirm_on_postgres
from dstill_sql.language.database.database import Rows
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.printing import created

__all__ = ["Loader"]

MOST = 48  # schemas on a server at once; the oldest are dropped first


class Loader:
    """A connection that writes to schemas of its own. Raises ServiceError, AuthError."""

    def __init__(self, engine: Engine, *, user: str = "", plain: bool = False) -> None:
        self.engine = engine
        self._connection = connect(engine, user=user, plain=plain)
        self._names: OrderedDict[str, str] = OrderedDict()  # digest of the rows → schema

    def schema_of(self, rows: Rows) -> str:
        """The schema with these rows."""
        if rows.digest not in self._names:
            name = f"dstill_{secrets.token_hex(4)}"
            self._do(lambda: self._load(name, rows))
            self._names[rows.digest] = name
            while len(self._names) > MOST:
                self._drop(self._names.popitem(last=False)[1])
        self._names.move_to_end(rows.digest)
        return self._names[rows.digest]

    def close(self) -> None:
        """Drop the schemas, and end the connection."""
        try:
            while self._names:
                self._drop(self._names.popitem()[1])
        finally:
            self._connection.close()

    def _load(self, name: str, rows: Rows) -> None:
        schema = rows.schema.in_dialect("postgres")
        cells = rows.read()
        with self._connection.transaction():
            self._connection.execute(_named("CREATE SCHEMA {}", name))
            self._connection.execute(_named("SET LOCAL search_path TO {}", name))
            for table in schema.tables:
                create = created(table, "postgres")
                confirm_on_postgres(create)
                self._connection.execute(create.text, prepare=True)  # one statement: a simple query takes several
                with (
                    self._connection.cursor() as cursor,
                    cursor.copy(_named("COPY {} FROM STDIN", table.name)) as copy,
                ):
                    for row in cells.get(table.name, ()):
                        copy.write_row(row)

    def _drop(self, name: str) -> None:
        self._do(lambda: self._connection.execute(_named("DROP SCHEMA IF EXISTS {} CASCADE", name)))

    def _do(self, work: Any) -> None:
        try:
            work()
        except (NotPrintable, library().Error) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise ServiceError(
                f"cannot copy data to PostgreSQL: {lines[0]}",
                where=self.engine.url,
                hint="the role needs CREATE on the database; or leave out --load-data",
            ) from None


def _named(template: LiteralString, name: str) -> Any:
    """A statement about one name, which the client library quotes."""
    from psycopg import sql

    return sql.SQL(template).format(sql.Identifier(name))
