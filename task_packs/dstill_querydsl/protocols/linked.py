"""The form that students of the kind ``linked`` read and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dstill.api.protocols import Linked

if TYPE_CHECKING:
    from dstill.api.form import Form, Token
    from dstill.linked import Reading
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryLinked"]


class QueryLinked(Linked):
    """Fields as items, search bodies as tokens."""

    task: QueryDsl

    def form(self) -> Form:
        from dstill_querydsl.form.query_form import QueryForm

        return QueryForm(self.task.index_profile, self.task.config.dialect, _replay)


def _replay(seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """As `invented_schemas.stream.replay`, which training alone needs."""
    from dstill_querydsl.questions.invented_schemas.stream import replay

    return replay(seed)
