"""Search bodies, results and mappings for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import Presentation
from dstill.api.records import Example, RelevantSchema, ResultDiff, Table, TestDatabase
from dstill_querydsl.language import strict
from dstill_querydsl.language.results import refusal, render, tables
from dstill_querydsl.language.results.excerpt import excerpt
from dstill_querydsl.language.results.result_diff import diff
from dstill_querydsl.language.results.snippets import snippets

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryPresentation"]


class QueryPresentation(Presentation):
    """Hits and aggregations as text and tables."""

    task: QueryDsl

    def render_result(self, value: Any) -> str:
        return render.show(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        documents = dict(database.data["documents"]) if database else {}
        gold, answer = diff(want, got, documents)
        return ResultDiff(gold=gold, answer=answer, test_database=database.name if database else "")

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        config = self.task.config
        if strict.read(answer).value is None:
            return ()
        return tuple(snippets(answer, str(example.context.get("index", config.index)), config.dialect))

    def refusal_reason(self, answer: str) -> str:
        return refusal.reason(strict.read(answer).value)

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> Sequence[Table]:
        return tables.tables(value, whole=whole)

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        profile = self.task.index_profile(example)
        return RelevantSchema() if profile is None else excerpt(profile, strict.read(answer).value or {})
