"""A form of one bundled index, and readings of its questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pytest

from dstill.api.records import Example
from dstill.linked import Reading
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings


@dataclass(frozen=True)
class Lab:
    """One task with its form."""

    task: QueryDsl

    @cached_property
    def form(self) -> QueryForm:
        return QueryForm(self.task.index_profile)

    def ask(self, question: str, **context: object) -> tuple[Example, Reading]:
        example = Example(id="1", question=question, context=context or {"index": self.task.config.index})
        return example, self.form.read(example)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(QueryDsl(Settings(index="weblogs", documents=300)))
