"""The form that students of the kind ``linked`` read and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dstill.api.protocols import Linked

if TYPE_CHECKING:
    from dstill.api.form import Form, Token
    from dstill.linked import Reading
    from dstill_sql.pack import Sql

__all__ = ["SqlLinked"]


class SqlLinked(Linked):
    """Tables and columns as items, queries as tokens."""

    task: Sql

    def form(self) -> Form:
        from dstill_sql.form.sql_form import SqlForm
        from dstill_sql.questions.references import references_of

        return SqlForm(self.task.database, self.task.config.guard, references_of, _replay)


def _replay(seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """As `invented_schemas.stream.replay`, which training alone needs."""
    from dstill_sql.questions.invented_schemas.stream import replay

    return replay(seed)
