"""A PostgreSQL server on which dstill only reads: every query runs in a transaction of its own that is rolled back.

    with Server(Engine(url="postgresql://127.0.0.1/shop"), schema_name="public", …) as server:
        server.fetch(printed(query, "postgres"), most=100)      # (["name"], [("Ann",), …])

Each transaction is READ ONLY and sets its own limits, so that a connection pooler may be in between. PostgreSQL's own
parser reads every query before the server gets it (`dstill_sql.engines.parsers`). The settings that
change how a text is read, such as ``standard_conforming_strings`` and ``search_path``, are set too. A query goes to the
server as one statement by the extended protocol, which refuses a second one.

A server that does not answer at all is given up after the time of a query and `GRACE`: the socket is shut down.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from dstill.api.engine import Engine
from dstill.errors import DstillError, ServiceError
from dstill_sql.engines.bounded import bounded
from dstill_sql.engines.connecting import address_of, connect, library
from dstill_sql.language.engine_text import Statement, fixed

__all__ = ["GRACE", "LARGEST", "Away", "Server"]

GRACE = 5.0  # seconds that the server's own clock may be late
LARGEST = 256 * 2**20  # bytes of a result; its rows come one by one
OLDEST = 120_000  # the first release that is supported


class Away(Exception):
    """The connection is lost, or the server cannot run anything now. The message says why."""


class Server:
    """One connection, opened at once and again after it is lost. Not for several threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        schema_name: str = "public",
        user: str = "",
        plain: bool = False,
        seconds: float = 5.0,
        memory_mb: int = 64,
        temporary_mb: int = 1_000,
    ) -> None:
        self.engine, self.schema_name, self.seconds = engine, schema_name, seconds
        self.address = address_of(engine.url)
        self._open: Callable[[], Any] = lambda: _reading(connect(engine, user=user, plain=plain))
        self._temporary = f"{temporary_mb * 1024}kB"
        self._limits = {
            "search_path": _identifier(schema_name),
            "statement_timeout": f"{int(seconds * 1000)}ms",
            "lock_timeout": f"{int(min(seconds, 2.0) * 1000)}ms",
            "idle_in_transaction_session_timeout": f"{int((seconds + GRACE) * 1000)}ms",
            "work_mem": f"{memory_mb * 1024}kB",
            "standard_conforming_strings": "on",
            "transform_null_equals": "off",
            "timezone": "UTC",
            "datestyle": "ISO, YMD",
            "intervalstyle": "postgres",
            "bytea_output": "hex",
            "cursor_tuple_fraction": "1",  # the whole result is fetched
        }
        self._connection = self._open()
        try:
            self.version, self.product = self._identified()
            self.bounds_files = self._may_bound_files()
        except BaseException:
            self.close()
            raise

    @property
    def label(self) -> str:
        """Product and version: ``PostgreSQL 15.6``."""
        return f"{self.product} {self.version}"

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return bool(self._connection.pgconn.ssl_in_use)

    def fetch(self, query: Statement, most: int, own_schema: str = "") -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """The columns of a query, and its first `most` rows.

        Raises NotPrintable, psycopg.Error for the query, MemoryError for a result of more than `LARGEST` bytes, and
        Away.

        `own_schema`: the schema of its tables, if it is another one than the user's.
        """
        from dstill_sql.engines.parsers.postgres import confirm_on_postgres

        confirm_on_postgres(query)
        with self._transaction() as connection, connection.cursor(name="answer") as cursor:
            if own_schema:
                connection.execute(*_settings({"search_path": _identifier(own_schema)}))
            cursor.execute(query.text)
            columns = [column.name for column in cursor.description]
            with (
                connection.cursor() as reading,
                contextlib.closing(reading.stream(f"FETCH {most} FROM answer")) as rows,
            ):
                return columns, bounded(rows, most, LARGEST)

    def ask(self, query: Statement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query of dstill's own. Raises ServiceError if it fails."""
        try:
            with self._transaction() as connection:
                rows: list[tuple[Any, ...]] = connection.execute(query.text, values or None).fetchall()
                return rows
        except (Away, library().Error) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise ServiceError(f"PostgreSQL at {self.address}: {lines[0]}", where=self.engine.url) from None

    def run_alone(self, statement: Statement) -> None:
        """Run one statement and take it back. Raises psycopg.Error, and Away."""
        with self._transaction() as connection:
            connection.execute(statement.text, prepare=True)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- transactions -------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A transaction that reads, with the limits. A lost connection is opened again first."""
        psycopg = library()
        with self._clock() as late:
            try:
                with self._begun(late) as connection:
                    yield connection
            except psycopg.Error as error:
                if late.is_set():
                    raise Away(f"no answer for {self.seconds + GRACE:g} s") from None
                if _is_away(error) or self._connection.closed:
                    raise Away(_said(error)) from None
                raise

    @contextlib.contextmanager
    def _begun(self, late: threading.Event) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            for tried in range(2):
                try:
                    if self._connection.closed:
                        self._connection = self._open()
                    stack.enter_context(self._connection.transaction(force_rollback=True))
                    self._connection.execute(*_settings(self._limits))
                    break
                except library().Error:  # the server ended the connection while nobody used it
                    if tried or late.is_set() or not self._connection.closed:
                        raise
                    stack.pop_all()
                except DstillError as error:
                    raise Away(error.what) from None
            yield self._connection

    @contextlib.contextmanager
    def _clock(self) -> Iterator[threading.Event]:
        late = threading.Event()

        def stop() -> None:
            late.set()
            with (
                contextlib.suppress(OSError, library().Error),
                socket.socket(fileno=os.dup(self._connection.fileno())) as copy,
            ):
                copy.shutdown(socket.SHUT_RDWR)

        clock = threading.Timer(self.seconds + GRACE, stop)
        clock.daemon = True
        clock.start()
        try:
            yield late
        finally:
            clock.cancel()
            clock.join()

    # --- what it is ----------------------------------------------------------------------

    def _identified(self) -> tuple[str, str]:
        """Version and product. Raises ServiceError for one that is too old."""
        if 0 < self._connection.info.server_version < OLDEST:
            raise ServiceError(
                f"the server at {self.address} is too old", where=self.engine.url, hint="PostgreSQL 12 or newer"
            )
        ((product, version),) = self.ask(fixed("SELECT version(), current_setting('server_version')", "postgres"))
        return str(version).split()[0], "PostgreSQL" if product.startswith("PostgreSQL ") else product.split()[0]

    def _may_bound_files(self) -> bool:
        """Whether the role may limit its temporary files. If it may, every query has the limit."""
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(*_settings({"temp_file_limit": self._temporary}))
        except library().Error:
            return False
        self._limits["temp_file_limit"] = self._temporary
        return True


def _reading(connection: Any) -> Any:
    """The connection, whose transactions only read."""
    from psycopg.types import datetime as dates

    connection.read_only = True
    for name, loader in (
        ("date", dates.DateLoader),
        ("time", dates.TimeLoader),
        ("timetz", dates.TimetzLoader),
        ("timestamp", dates.TimestampLoader),
        ("timestamptz", dates.TimestamptzLoader),
        ("interval", dates.IntervalLoader),
    ):
        connection.adapters.register_loader(name, _or_text(loader))
    from psycopg.types.string import TextLoader

    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, TextLoader)
    return connection


def _or_text(loader: Any) -> Any:
    """A loader for values of which Python has only some, such as dates: the text of one that it has not."""

    class OrText(loader):  # type: ignore[misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except (library().DataError, ValueError, OverflowError):
                return bytes(data).decode()

    return OrText


def _settings(settings: dict[str, str]) -> tuple[str, list[str]]:
    """A statement that sets them until the end of the transaction, and its values."""
    calls = ", ".join("set_config(%s, %s, true)" for _ in settings)
    return f"SELECT {calls}", [text for pair in settings.items() for text in pair]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_away(error: Any) -> bool:
    """Whether no query could run: the server stops, has no connection left, lost this one, or holds a lock."""
    state = error.sqlstate or ""
    return (state[:2] in ("08", "57", "58") and state != "57014") or state in (
        "40001",
        "40P01",
        "53300",
        "53100",
        "55P03",
    )


def _said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
