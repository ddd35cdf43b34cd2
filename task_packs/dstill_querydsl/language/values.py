"""Known values of an index's fields: all values of a field with few, some examples, or a range.

In: a values file (``--values``, or written by `init`), or documents. Out: `Values`:

    {"level": ["error", "warn"],                       every value of the field
     "path": {"examples": ["/cart", "/login"]},        some of many values, or phrases of a text
     "took": {"min": 1, "max": 900},                   the range of a number, or of a date (ISO)
     "at": {"examples": [{"lat": 52.5, "lon": 13.4}]}}

    values = Values.read(data);  values.get("level")   -> Known(values=("error", "warn"), complete=True)

An index changes, so a value that is not in a list is at most a warning.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill.errors import DataError
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.strict import escape

__all__ = ["MOST", "Known", "Values", "values_in"]

MOST = 50  # fields with at most this many distinct values keep all of them
_HINT = 'give {"FIELD": ["every", "value"]}, {"FIELD": {"examples": [...]}} or {"FIELD": {"min": 1, "max": 9}}'
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Known values of one field."""

    values: tuple[Any, ...] = ()  # most frequent first, if that is known
    complete: bool = False  # `values` are all values of the field
    low: Any = None  # numbers and ISO dates
    high: Any = None

    def to_json(self) -> Any:
        """The form that a values file has for one field."""
        if self.complete:
            return list(self.values)
        bounds = {key: value for key, value in (("min", self.low), ("max", self.high)) if value is not None}
        return bounds | ({"examples": list(self.values)} if self.values else {})


class Values:
    """Known values by the full name of a field."""

    def __init__(self, known: Mapping[str, Known] | None = None) -> None:
        self._known = dict(known or {})

    @classmethod
    def read(cls, data: Any, where: str = "values") -> Values:
        """Read the content of a values file. Raises DataError with a JSON pointer if its form is wrong."""
        if not isinstance(data, Mapping):
            raise DataError("the values are not a JSON object", where=where, hint=_HINT)
        return cls({name: _known(value, f"{where}, /{escape(name)}") for name, value in data.items()})

    def get(self, name: str) -> Known | None:
        """The known values of a field. None if nothing is known."""
        return self._known.get(name)

    def only(self, allows: Callable[[str], bool]) -> Values:
        """The values of those fields for which `allows(name)` is true."""
        return Values({name: known for name, known in self._known.items() if allows(name)})

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __bool__(self) -> bool:
        return bool(self._known)

    def to_json(self) -> dict[str, Any]:
        """The content of a values file."""
        return {name: known.to_json() for name, known in self._known.items()}


def _known(value: Any, where: str) -> Known:
    if isinstance(value, list):
        return Known(values=_scalars(value, where, points=False), complete=True)
    if not isinstance(value, Mapping) or not value or set(value) - {"examples", "min", "max"}:
        raise DataError("not a valid form for values", where=where, hint=_HINT)
    examples = value.get("examples", [])
    if not isinstance(examples, list):
        raise DataError("examples must be a list", where=where, hint=_HINT)
    low, high = value.get("min"), value.get("max")
    for bound in (low, high):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, float, str))):
            raise DataError("min and max must be numbers or ISO dates", where=where, hint=_HINT)
    if isinstance(low, str) != isinstance(high, str) and None not in (low, high):
        raise DataError("min and max are of different types", where=where, hint=_HINT)
    if low is not None and high is not None and low > high:
        raise DataError(f"min {low!r} is above max {high!r}", where=where, hint=_HINT)
    return Known(values=_scalars(examples, where, points=True), low=low, high=high)


def _scalars(values: list[Any], where: str, *, points: bool) -> tuple[Any, ...]:
    for value in values:
        point = points and isinstance(value, Mapping) and set(value) == {"lat", "lon"}
        if not (isinstance(value, _SCALARS) or point):
            raise DataError(f"{str(value)[:60]!r} cannot be a value of a field", where=where, hint=_HINT)
    return tuple(values)


# --- from documents ---------------------------------------------------------------------


def values_in(mapping: Mapping[str, Any], documents: Iterable[Mapping[str, Any]]) -> Values:
    """The values of each field in `documents` (their sources), in the order of the mapping. Texts are skipped."""
    fields = Fields.of(mapping)
    counts: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    for source in documents:
        for name, value in _leaves(source):
            counts[name][value] += 1
    found: dict[str, Known] = {}
    for field in fields:
        counted = counts.get(field.name.rpartition(".")[0] if field.sub else field.name)
        if counted and (known := _of_family(field.family, counted)) is not None:
            found[field.name] = known
    return Values(found)


def _of_family(family: str, counted: Counter[Any]) -> Known | None:
    frequent = tuple(value for value, _ in counted.most_common(MOST))
    if family in ("keyword", "boolean"):
        return Known(values=frequent, complete=len(counted) <= MOST)
    if family == "ip":
        return Known(values=frequent)
    if family == "number":
        numbers = [value for value in counted if isinstance(value, (int, float)) and not isinstance(value, bool)]
        few = frequent if len(counted) <= MOST else ()
        return Known(values=few, low=min(numbers), high=max(numbers)) if numbers else None
    if family == "date":
        days = [value for value in counted if isinstance(value, str)]
        return Known(low=min(days), high=max(days)) if days else None
    return None


def _leaves(source: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(source, _SCALARS):  # most are
        yield path, source
    elif isinstance(source, Mapping):
        for key, inner in source.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(source, list):
        for inner in source:
            yield from _leaves(inner, path)
