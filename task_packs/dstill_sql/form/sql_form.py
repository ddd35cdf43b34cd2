"""The `Form` of SQL."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sqlglot.errors import SqlglotError

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Ranking, Reading, read, words
from dstill.linked import Schema as Items
from dstill_sql.form import decoding, encoding, items, tokens
from dstill_sql.form.cursor import QueryCursor, start
from dstill_sql.form.items import Tables
from dstill_sql.language import refusals
from dstill_sql.language.canonical import canonical, canonical_text
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Reference, SqlSchema
from dstill_sql.language.database.schema_check import qualified
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import NotOneQuery, first_line
from dstill_sql.language.statements import read as read_query

__all__ = ["MOST_ITEMS", "SqlForm"]

MOST_ITEMS = 96  # tables and columns of a wide schema that the student reads
CACHE_SIZE = 64  # databases that were read last


class SqlForm(Form):
    """Reads questions about databases and writes queries."""

    features = items.FEATURES
    bases: ClassVar = {"sql": Path(__file__).parents[1] / "base"}

    def __init__(
        self,
        database_of: Callable[[Example], Database | None],
        limits: Limits,
        references_of: Callable[[SqlSchema], Sequence[Reference]] = lambda schema: schema.references,
        replay: Callable[[int], Iterator[tuple[Reading, Sequence[Token]]]] = lambda _: iter(()),
    ) -> None:
        """`limits`: what a query may be. `references_of`: what tables are joined by. `replay`: as the method."""
        self._database_of = database_of
        self._limits = limits
        self._references_of = references_of
        self._replay = replay
        self._known: OrderedDict[int, tuple[Database, Ranking]] = OrderedDict()  # by id; the newest last

    @cached_property
    def tokens(self) -> Sequence[str]:  # type: ignore[override]
        """The vocabulary."""
        return tokens.tokens()

    def read(self, example: Example) -> Reading:
        database = self._database_of(example)
        if database is None:
            return read(example.question, Items([]))
        ranking = self._ranking(database)
        spoken = words(example.question, _day_of(database.now))
        shown = None
        if len(ranking.schema.items) > MOST_ITEMS:
            shown = sorted(ranking.best(example.question, spoken, MOST_ITEMS))
        return read(example.question, ranking.schema, shown, spoken)

    def _ranking(self, database: Database) -> Ranking:
        if id(database) not in self._known:
            tables = Tables(database, self._limits, self._references_of(database.schema))
            self._known[id(database)] = database, Ranking(tables)
        self._known.move_to_end(id(database))
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return self._known[id(database)][1]

    def start(self, reading: Reading) -> QueryCursor | None:
        """Where a query about the reading's database begins. None if there is no database."""
        return start(reading, reading.schema, self._limits) if isinstance(reading.schema, Tables) else None

    def replay(self, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
        return self._replay(seed)

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        if (refusal := refusals.read(answer)) is not None:
            result = encoding.encode_refusal(refusal, reading)
        else:
            result = self._encode_query(answer, reading)
        return result

    def _encode_query(self, answer: str, reading: Reading) -> list[Token]:
        if not isinstance(reading.schema, Tables):
            raise NotExpressible("the question has no database")
        schema = reading.schema.database.schema
        try:
            query = qualified(read_query(answer, schema.dialect), schema, stars=False)
            wanted = canonical(query, schema.dialect)
            result = encoding.encode(wanted, reading)
            text = decoding.decode(result, reading)
            if canonical_text(text, schema.dialect) != canonical_text(answer, schema.dialect):
                back = canonical(qualified(read_query(text, schema.dialect), schema, stars=False), schema.dialect)
                if back.sql(schema.dialect) != wanted.sql(schema.dialect):
                    raise NotExpressible(f"its tokens are another query: {text[:200]}")
        except (NotOneQuery, NotPrintable, SqlglotError) as error:
            raise NotExpressible(first_line(error)) from error
        return result

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        return decoding.decode(tokens_, reading)


def _day_of(now: str) -> date:
    """The day that questions are asked on: that of the database, or today."""
    return datetime.fromisoformat(now).date() if now else datetime.now(UTC).date()
