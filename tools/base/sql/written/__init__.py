"""Questions that were written one by one, about databases that were made up for them. The base is trained on them.

    NAMES                   ("vineyard", "ferries", …)
    database("vineyard")    Database(name="vineyard", schema=…, values=…), without rows
    questions("vineyard")   [Example(question="which wine sold best", answer="SELECT …", category="top"), …]

Each folder has ``schema.sql`` (CREATE TABLE statements of DuckDB), ``values.json`` (known values by table.column, and
under "now" the time that questions are asked at) and ``questions.jsonl`` (rows of question, answer, category).

    python -m tools.base.sql.written vineyard ferries      # checks answers and their round trip in the linked form

None of the databases is about what a bundled database is about, and nobody who writes questions reads hand-written
ones of the held-out databases. `DEVELOPMENT` are for scores while the base is developed: it is not trained on them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from dstill.api.records import Example, TestDatabase
from dstill.io.strict_json import loads
from dstill_sql.context import database_of
from dstill_sql.databases import Database, Rows
from dstill_sql.questions.invented_rows import own_view
from dstill_sql.settings import Settings

__all__ = ["COUNT", "DEVELOPMENT", "NAMES", "TRAINED", "database", "questions", "with_rows"]

FOLDER = Path(__file__).parent
DEVELOPMENT = ("bikerental", "helpline", "museum", "zoo")
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/questions.jsonl")))
TRAINED = tuple(name for name in NAMES if name not in DEVELOPMENT)
COUNT = sum(
    (FOLDER / name / "questions.jsonl").read_text(encoding="utf-8").count("\n") for name in TRAINED
)  # of questions that the base is trained on


def database(name: str) -> Database:
    """The database of that name. Raises OSError if there is none."""
    found = database_of(_context(name), Settings())
    assert found is not None
    return found


def questions(name: str) -> list[Example]:
    """The questions about that database, in the order of the file. Raises OSError if there are none."""
    lines = (FOLDER / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Example(id=f"{name}-{n:03}", context=_context(name), **loads(line)) for n, line in enumerate(lines, start=1)
    ]


def with_rows(name: str) -> list[Example]:
    """The same questions, with invented rows that answers run on."""
    data = own_view(database(name), seed=0).view.database.data
    assert isinstance(data, Rows)
    rows = TestDatabase(name=name, data={"schema": data.schema.ddl(), "rows": data.read()})
    return [replace(one, context={**one.context, "test_database": rows}) for one in questions(name)]


@cache
def _context(name: str) -> dict[str, object]:
    values = loads((FOLDER / name / "values.json").read_text(encoding="utf-8"))
    now = values.pop("now")
    schema = (FOLDER / name / "schema.sql").read_text(encoding="utf-8")
    return {"db": name, "schema": schema, "values": values, "now": now}
