"""Questions that were written one by one, about databases that were made up for them. The base is trained on them.

    NAMES                   ("vineyard", "ferries", …)
    database("vineyard")    Database(name="vineyard", schema=…, values=…), without rows
    questions("vineyard")   [Example(question="which wine sold best", answer="SELECT …", category="top"), …]

Each has ``schema.sql`` (CREATE TABLE statements of DuckDB), ``values.json`` (known values by table.column, and
under "now" the time that questions are asked at) and ``questions.jsonl`` (rows of question, answer, category). All
of them are in ``written.jsonl.xz``; `tools.base.written` unpacks it for editing, and checks answers.

None of the databases is about what a bundled database is about, and nobody who writes questions reads hand-written
ones of the held-out databases. `DEVELOPMENT` are for scores while the base is developed: it is not trained on them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from dstill.api.records import Example, TestDatabase
from dstill.io.strict_json import loads
from dstill_sql.language.database.context import database_of
from dstill_sql.language.database.database import Database, Rows
from dstill_sql.questions.invented_rows import own_view
from dstill_sql.settings import Settings
from tools.base.written import sets

__all__ = ["COUNT", "DEVELOPMENT", "NAMES", "TRAINED", "context", "database", "questions", "with_rows"]

SETS = sets("sql")
DEVELOPMENT = ("bikerental", "helpline", "museum", "zoo")
NAMES = tuple(SETS)
TRAINED = tuple(name for name in NAMES if name not in DEVELOPMENT)
COUNT = sum(SETS[name]["questions.jsonl"].count("\n") for name in TRAINED)  # of questions that the base is trained on


def database(name: str) -> Database:
    """The database of that name. Raises KeyError if there is none."""
    found = database_of(context(name), Settings())
    assert found is not None
    return found


def questions(name: str) -> list[Example]:
    """The questions about that database, in the order of the file. Raises KeyError if there are none."""
    lines = SETS[name]["questions.jsonl"].splitlines()
    return [Example(id=f"{name}-{n:03}", context=context(name), **loads(line)) for n, line in enumerate(lines, start=1)]


def with_rows(name: str) -> list[Example]:
    """The same questions, with invented rows that answers run on."""
    data = own_view(database(name), seed=0).view.database.data
    assert isinstance(data, Rows)
    rows = TestDatabase(name=name, data={"schema": data.schema.ddl(), "rows": data.read()})
    return [replace(question, context={**question.context, "test_database": rows}) for question in questions(name)]


@cache
def context(name: str) -> dict[str, object]:
    """The context of questions about that database."""
    values = loads(SETS[name]["values.json"])
    now = values.pop("now")
    return {"db": name, "schema": SETS[name]["schema.sql"], "values": values, "now": now}
