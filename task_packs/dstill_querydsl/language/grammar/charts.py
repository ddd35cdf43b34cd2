"""Rules for histograms, with steps that keep the guard's limit on buckets, and for the pipelines over them.

{"date_histogram":{"field":"@timestamp","calendar_interval":"day"}}
{"date_histogram":{…},"aggs":{"value":{"sum":{"field":"bytes"}},"change":{"derivative":{"buckets_path":"value"}}}}

A pipeline names another aggregation, so one rule contains both, under fixed names.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar.aggregations import Metrics, is_number, pair
from dstill_querydsl.language.grammar.data_range import BUCKETS, DataRange
from dstill_querydsl.language.grammar.notation import Notation, alt, key, listed, lit, obj, one_of, text

__all__ = ["CHANGE", "GROUPS", "SUMMARY", "VALUE", "Charts", "pipelines", "summaries"]

GROUPS, VALUE, CHANGE, SUMMARY = "groups", "value", "change", "summary"
_CALENDAR = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}  # in days
_RATED = ("day", "month", "year")
_MOST_DAYS = 100
_DAYS = '"\\"" [1-9] [0-9]? "d\\""'


class Charts:
    """Rules for histograms. Each is a pair such as ``"date_histogram":{…}``."""

    def __init__(self, notation: Notation, metrics: Metrics, data_range: DataRange) -> None:
        self._notation, self._metrics, self._data_range = notation, metrics, data_range

    def for_dates(self, path: str | None) -> str:
        """Date histograms by days or more, with at most about 650 buckets."""
        return alt(*(self._for_dates(least, fields) for least, fields in self._by_least_days(path).items()))

    def for_many_dates(self, path: str | None) -> str:
        """Finer date histograms on fields with a wide range; no other buckets are allowed below."""
        groups: dict[int, list[Field]] = {}
        for least, fields in self._by_least_days(path).items():
            for field in fields:
                if (finest := self._data_range.least_days(field.name, BUCKETS)) < least:
                    groups.setdefault(finest, []).append(field)
        return alt(*(self._for_dates(finest, fields) for finest, fields in groups.items()))

    def _by_least_days(self, path: str | None) -> dict[int, list[Field]]:
        groups: dict[int, list[Field]] = {}
        for field in self._metrics.fitting(path, "date_histogram", _is_date):
            groups.setdefault(self._data_range.least_days(field.name), []).append(field)
        return groups

    def _for_dates(self, least: int, fields: list[Field]) -> str:
        names = self._metrics.names(fields)
        forms = [obj({"field": names, "calendar_interval": one_of(_calendar(least))})]
        if least < _MOST_DAYS:
            steps = alt(*(lit(str(days)) for days in range(least, _MOST_DAYS)))
            token = self._notation.rule("DAYS", _DAYS if least == 1 else f'"\\"" ({steps}) "d\\""')
            forms.append(obj({"field": names, "fixed_interval": token}))
        return pair("date_histogram", alt(*forms))

    def for_hours(self, path: str | None) -> str:
        """Date histograms by hours; no other buckets are allowed below."""
        groups: dict[int, list[Field]] = {}
        for field in self._metrics.fitting(path, "date_histogram", _is_date):
            if (finest := self._data_range.hours(field.name)) < 24:
                groups.setdefault(finest, []).append(field)
        return alt(*(self._for_hours(finest, fields) for finest, fields in groups.items()))

    def _for_hours(self, finest: int, fields: list[Field]) -> str:
        steps = alt(*(lit(str(hours)) for hours in range(finest, 24)))
        forms = {"fixed_interval": self._notation.rule("HOURS", f'"\\"" {steps} "h\\""')}
        names = self._metrics.names(fields)
        hour = obj({"field": names, "calendar_interval": text("hour")}) if finest == 1 else ""
        return pair("date_histogram", alt(hour, obj({"field": names, **forms})))

    def by_calendar(self, path: str | None) -> str:
        """Date histograms below which engines accept a rate."""
        forms = [
            obj({"field": self._metrics.names(fields), "calendar_interval": one_of(units)})
            for least, fields in self._by_least_days(path).items()
            if (units := [unit for unit in _calendar(least) if unit in _RATED])
        ]
        return pair("date_histogram", alt(*forms))

    def for_numbers(self, path: str | None, *, known: bool) -> str:
        """Histograms on fields whose range is `known` to the guard, or on the others, without empty buckets."""
        data_range, groups = self._data_range, dict[tuple[int, int], list[Field]]()
        for field in self._metrics.fitting(
            path, "histogram", lambda field: is_number(field) and data_range.knows(field) == known
        ):
            groups.setdefault((data_range.digits(field), data_range.least_step(field)), []).append(field)
        return alt(*(self._for_numbers(*kind, known, fields) for kind, fields in groups.items()))

    def _for_numbers(self, digits: int, least: int, known: bool, fields: list[Field]) -> str:
        # numbers from `least` up: with as many digits and at least its first digit, or with more digits
        first, length = int(str(least)[0]), len(str(least))
        raised = first + (least != first * 10 ** (length - 1))
        same = f"[{raised}-9] [0-9]{{{length - 1}}}" if raised <= 9 and length > 1 else f"[{raised}-9]"
        longer = f"[1-9] [0-9]{{{length},{max(length, digits)}}}"
        tenths = '"0." [1-9]' if digits <= 1 or (least == 1 and not known) else ""
        step = self._notation.rule("STEP", alt(same, longer, tenths))
        form = {"field": self._metrics.names(fields), "interval": step}
        return pair("histogram", obj(form if known else {**form, "min_doc_count": '"1"'}))

    def rate(self, path: str | None) -> str:
        return self._metrics.on(path, "rate", is_number)


def _calendar(least: int) -> tuple[str, ...]:
    """Units of `least` days or more."""
    return tuple(unit for unit, days in _CALENDAR.items() if days >= least) or ("year",)


def _is_date(field: Field) -> bool:
    return field.family == "date"


def pipelines(notation: Notation, value: str) -> Mapping[str, str]:
    """Name → pipeline over `VALUE` next to it, such as ``"derivative":{"buckets_path":"value"}``.

    `value` is the kind of `VALUE`: ``number`` or ``cardinality``.
    """
    path = {"buckets_path": text(VALUE)}
    methods = one_of(("rescale_0_1", "rescale_0_100", "percent_of_sum", "mean", "z-score", "softmax"))
    if value == "cardinality":
        return {"cumulative_cardinality": pair("cumulative_cardinality", obj(path))}
    return {
        "derivative": pair("derivative", obj(path)),
        "cumulative_sum": pair("cumulative_sum", obj(path)),
        "serial_diff": pair("serial_diff", obj(path, {"lag": "[1-9]"})),
        "normalize": pair("normalize", obj({**path, "method": methods})),
        "bucket_sort": pair("bucket_sort", _bucket_sort(notation)),
    }


def _bucket_sort(notation: Notation) -> str:
    by = f'"{{" {key(VALUE, obj({"order": one_of(("asc", "desc"))}))} "}}"'
    return obj({"sort": listed(by, 1)}, {"size": notation.up_to(100)})


def summaries() -> str:
    """Pipelines over `VALUE` in the buckets of `GROUPS`, such as ``"avg_bucket":{"buckets_path":"groups>value"}``."""
    path = obj({"buckets_path": text(f"{GROUPS}>{VALUE}")})
    names = ("avg", "sum", "min", "max", "stats", "extended_stats", "percentiles")
    return alt(*(pair(f"{name}_bucket", path) for name in names))
