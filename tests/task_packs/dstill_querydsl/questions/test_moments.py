"""Dates in documents, by the mapping's format."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dstill_querydsl.questions.templates.moments import moment, reads_iso, written

DAY = datetime(2025, 3, 14, tzinfo=UTC)
TIME = datetime(2025, 3, 14, 9, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("format", "value", "time"),
    [
        ("", "2025-03-14T09:30:15.000Z", TIME),
        ("epoch_millis", 1741944615000, TIME),
        ("epoch_second", 1741944615, TIME),
        ("yyyy-MM-dd HH:mm:ss", "2025-03-14 09:30:15", TIME),
        ("dd.MM.yyyy", "14.03.2025", DAY),
        ("yyyy/MM/dd||epoch_millis", "2025/03/14", DAY),
        ("basic_date", "20250314", DAY),
        ("yyyy-MM-dd'T'HH:mm:ss", "2025-03-14T09:30:15", TIME),
    ],
)
def test_written_date_is_read_back(format: str, value: Any, time: datetime) -> None:
    assert moment(value, format) == time
    assert written(time, format) == value


@pytest.mark.parametrize(
    ("value", "format"),
    [("soon", ""), (True, ""), (None, ""), ("14.03.2025", "yyyy"), ("1", "xxxx-'W'ww"), (1e300, "")],
)
def test_invalid_date_is_none(value: Any, format: str) -> None:
    assert moment(value, format) is None


def test_unwritable_format_gives_none() -> None:
    assert written(TIME, "xxxx-'W'ww-e") is None


@pytest.mark.parametrize(
    ("format", "reads"), [("", True), ("yyyy-MM-dd", True), ("dd.MM.yyyy", False), ("epoch_millis", False)]
)
def test_formats_that_read_iso_day(format: str, reads: bool) -> None:
    assert reads_iso(format) is reads
