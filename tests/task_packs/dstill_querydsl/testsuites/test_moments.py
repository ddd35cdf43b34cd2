"""Date math to the millisecond, as engines do it, and dates in the formats of fields."""

from datetime import UTC, datetime

import pytest

from dstill_querydsl.testdata import instants

NOW = instants.instant(datetime(2025, 3, 27, 12, 30, tzinfo=UTC))  # a Thursday


def iso(moment: int) -> str:
    return str(instants.text(moment, None)).removesuffix("Z")


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2025-02-10", "2025-02-10T00:00:00.000", "2025-02-10T23:59:59.999"),
        ("2025-02", "2025-02-01T00:00:00.000", "2025-02-28T23:59:59.999"),
        ("2024", "2024-01-01T00:00:00.000", "2024-12-31T23:59:59.999"),
        ("2025-02-10T08", "2025-02-10T08:00:00.000", "2025-02-10T08:59:59.999"),
        ("2025-02-10T08:15:20.5", "2025-02-10T08:15:20.500", "2025-02-10T08:15:20.500"),
        ("2025-01-31||+1M", "2025-02-28T00:00:00.000", "2025-02-28T00:00:00.000"),
        ("2025-02-10||/M", "2025-02-01T00:00:00.000", "2025-02-28T23:59:59.999"),
        ("now", "2025-03-27T12:30:00.000", "2025-03-27T12:30:00.000"),
        ("now-1d/d", "2025-03-26T00:00:00.000", "2025-03-26T23:59:59.999"),
        ("now/w", "2025-03-24T00:00:00.000", "2025-03-30T23:59:59.999"),
        ("now-1y", "2024-03-27T12:30:00.000", "2024-03-27T12:30:00.000"),
        (1739145600000, "2025-02-10T00:00:00.000", "2025-02-10T00:00:00.000"),
        ("1739145600000", "2025-02-10T00:00:00.000", "2025-02-10T00:00:00.000"),
    ],
)
def test_span_of_date_expression(value: object, first: str, last: str) -> None:
    found = instants.span(value, NOW)
    assert (iso(found[0]), iso(found[1])) == (first, last)


@pytest.mark.parametrize("value", ["2025-02-30", "yesterday", True, None, "now+999999999y"])
def test_invalid_date_has_no_span(value: object) -> None:
    assert instants.span(value, NOW) is None


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        (None, "2025-03-27T12:30:00.000Z"),
        ("strict_date_optional_time||epoch_millis", "2025-03-27T12:30:00.000Z"),
        ("epoch_millis", NOW),
        ("epoch_second", NOW // 1000),
        ("yyyy-MM-dd", "2025-03-27"),
        ("dd/MM/yyyy HH:mm", "27/03/2025 12:30"),
        ("basic_date", "20250327"),
        ("strict_date_hour_minute_second", "2025-03-27T12:30:00"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSX||epoch_millis", NOW),
        ("basic_week_date", None),
    ],
)
def test_writes_date_in_field_format(format_: str | None, written: object) -> None:
    assert instants.text(NOW, format_) == written
    assert instants.whole_days(format_) == (format_ in ("yyyy-MM-dd", "basic_date") or written is None)
