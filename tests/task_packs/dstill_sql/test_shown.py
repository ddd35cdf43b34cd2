"""Results as people see them: headings in words, numbers without noise, and all rows."""

from __future__ import annotations

from typing import Any

import pytest

from dstill_sql.language import refusals
from dstill_sql.language.results import rendering


def result(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    return {"columns": columns, "rows": list(rows), "keys": None, "pool": []}


@pytest.mark.parametrize(
    ("column", "heading"),
    [
        ("COUNT(*)", "count"),
        ("count_star()", "count"),
        ("COUNT(done_at)", "count of done_at"),
        ("COUNT(DISTINCT town)", "different town"),
        ("AVG(labour_eur)", "average labour_eur"),
        ('avg("repairs"."kg")', 'avg("repairs"."kg")'),
        ("SUM(repairs.kg)", "sum of repairs.kg"),
        ("max(kg)", "most kg"),
        ("ROUND(AVG(kg), 2)", "ROUND(AVG(kg), 2)"),
        ("town", "town"),
    ],
)
def test_heading_of_an_expression_is_in_words(column: str, heading: str) -> None:
    assert rendering.table(result([column], ["x"])).columns == (heading,)


def test_numbers_have_no_noise_and_long_results_stay_whole() -> None:
    [row] = rendering.table(result(["a", "b", "c", "d"], [21.087500000000002, 1e300, None, 52.0])).rows
    assert row == ("21.0875", "1e+300", "NULL", "52")
    table = rendering.table(result(["n"], *([12345678901234567 + n] for n in range(567))))
    assert (table.columns, table.rows[0], len(table.rows)) == (("#n",), ("12345678901234567",), 567)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("-- no answer: no column holds it (missing: weight, kilos)", "no column holds it (missing: weight, kilos)"),
        ("-- no answer: a change is asked for", "a change is asked for"),
        ("-- no answer (missing: weight)", "(missing: weight)"),
        ("-- no answer", ""),
        ("SELECT 1", ""),
    ],
)
def test_reason_of_a_refusal_names_what_is_missing(answer: str, reason: str) -> None:
    assert refusals.reason(answer) == reason
