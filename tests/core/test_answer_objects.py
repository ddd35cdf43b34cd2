"""Tables that programs and pages get: the title of one that was cut counts its rows."""

from __future__ import annotations

from typing import Any

import pytest
from support.offering import offering
from support.toy import Toy, ToyConfig

from dstill.api.protocols import Presentation
from dstill.api.records import Table
from dstill.stages.predict.answer_objects import MAX_ROWS, result_rows
from dstill.stages.predict.predicted import PredictedAnswer


class Counts(Presentation):
    """A result is a number of rows."""

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> tuple[Table, ...]:
        rows = tuple((str(n),) for n in range(value))
        return (Table(columns=("#n",), rows=rows), Table(title="hits", columns=("#n",), rows=rows))


Counting = offering(Toy, Counts)


@pytest.mark.parametrize(
    ("count", "titles"),
    [
        (MAX_ROWS, ["", "hits"]),
        (567, ["the first 100 of 567 rows", "hits, the first 100 of 567 rows"]),
        (12_345, ["the first 100 of 12,345 rows", "hits, the first 100 of 12,345 rows"]),
    ],
)
def test_title_counts_rows_of_a_cut_table(count: int, titles: list[str]) -> None:
    answered = PredictedAnswer(id="1", question="?", answer="1", ok=True, refused=False, result=count)
    tables = result_rows(Counting(ToyConfig()), answered)["tables"]
    assert [table["title"] for table in tables] == titles
    assert [(len(table["rows"]), table["of"]) for table in tables] == [(min(count, 100), count)] * 2
