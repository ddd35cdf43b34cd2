"""Cells as people read them: numbers without noise, dates without empty times, and all cells of a column alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.io.readable import Kind, exact, readable, reads_as_number

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("kind", "cells", "shown"),
    [
        ("figure", [614.242346667, 30.1], ["614.24", "30.10"]),
        ("figure", [7.5], ["7.5"]),
        ("figure", [0.1 + 0.2, 0.3], ["0.3", "0.3"]),
        ("figure", [0.0012345, 12.5], ["0.00123", "12.5"]),
        ("figure", [0.9999], ["1.000"]),
        ("figure", [9_999, 2024], ["9999", "2024"]),
        ("figure", [14905.57, 8151.98, 34128.3], ["14,905.57", "8,151.98", "34,128.30"]),
        ("", [142.92, 287.9, 0], ["142.92", "287.90", "0.00"]),
        ("", [-73.98765432, 1e-9], ["-73.987654", "1e-09"]),
        ("", [52.0, None, 1e300], ["52", "–", "1e+300"]),
        ("share", [25.13333, 100], ["25.1 %", "100.0 %"]),
        ("", ["2025-04-01T00:00:00.000Z", "2025-05-01T00:00:00.000Z"], ["2025-04-01", "2025-05-01"]),
        ("", ["2025-04-01 09:08:00", "2025-04-01"], ["2025-04-01 09:08", "2025-04-01 00:00"]),
        ("", ["2025-04-01 09:08:07.123"], ["2025-04-01 09:08:07"]),
        ("", ["2025-04-01T00:00:00+02:00"], ["2025-04-01T00:00:00+02:00"]),
        ("", ["2025-04-01T00:00:00", "soon"], ["2025-04-01T00:00:00", "soon"]),
        ("month", ["2025-04-01 00:00:00"], ["2025-04"]),
        ("", [True, None, False], ["yes", "–", "no"]),
        ("", [["a", 1.0, None], {"b": 1}], ["a, 1, –", '{"b": 1}']),
        ("", ["x" * 61, "a\n  b"], ["x" * 59 + "…", "a b"]),
        ("", ["x" * 61], ["x" * 61]),
    ],
)
def test_column(kind: Kind, cells: list[Any], shown: list[str]) -> None:
    assert list(readable(cells, kind)) == shown


def test_exact_cells_lose_nothing() -> None:
    assert [exact(cell) for cell in (None, 0.1 + 0.2, True, "a\n b", [1, "ä"])] == [
        "", "0.30000000000000004", "true", "a\n b", '[1, "ä"]',
    ]  # fmt: skip


@given(st.lists(JSON), st.sampled_from(["", "figure", "share", "year", "month", "day", "hour"]))
def test_any_column_has_a_line_for_each_cell(cells: list[Any], kind: Kind) -> None:
    shown = readable(cells, kind)
    assert len(shown) == len(cells)
    assert not any(len(text.splitlines()) > 1 for text in shown)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(), min_size=1))
def test_numbers_read_as_such_and_are_close(numbers: list[float]) -> None:
    for kind in ("figure", ""):
        for text, number in zip(readable(numbers, kind), numbers, strict=True):
            assert reads_as_number(text)
            assert float(text.replace(",", "")) == pytest.approx(number, rel=1e-2, abs=1e-12)
