"""The glossary's terms about a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill.api.glossary import Glossary, Term
from dstill.api.protocols import Terms
from dstill.api.records import Example
from dstill_sql.language.database.glossary import probe

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlGlossary"]


class SqlGlossary(Terms):
    """Names of tables, columns and values, conditions and measures of one table, and joins."""

    task: Sql

    def glossary(self, example: Example) -> Glossary:
        database = self.task.database(example)
        return Glossary() if database is None or database.terms is None else database.terms.glossary

    def probe(self, example: Example, term: Term) -> str:
        database = self.task.database(example)
        return "" if database is None else probe(term, database)
