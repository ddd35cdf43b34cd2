"""Known values of a schema's items: all values of an item with few, some examples, or a range.

In: a values file, whose form is this, or what a pack reads from its data. Out: `Values`:

    {"level": ["error", "warn"],                       every value of the item
     "path": {"examples": ["/cart", "/login"]},        some of many values, or phrases of a text
     "took": {"min": 1, "max": 900},                   the range of a number, or of a date (ISO)
     "at": {"examples": [{"lat": 52.5, "lon": 13.4}]}}

    values = Values.read(data);  values.get("level")   -> Known(values=("error", "warn"), complete=True)

Data change, so a value that is not in a list is at most a warning. People may call values by other names, which an
aliases file has:

    {"airport": {"JFK": ["kennedy", "new york kennedy"]}}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dstill.errors import DataError

__all__ = ["BUNDLED", "MOST", "Known", "Values"]

BUNDLED = "bundled:"  # begins the name of an aliases file that a pack brings
MOST = 50  # items with at most this many distinct values keep all of them
_HINT = 'give {"NAME": ["every", "value"]}, {"NAME": {"examples": [...]}} or {"NAME": {"min": 1, "max": 9}}'
_ALIASES_HINT = 'give {"NAME": {"VALUE": ["another name", …]}}'
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Known values of one item."""

    values: tuple[Any, ...] = ()  # most frequent first, if that is known
    complete: bool = False  # `values` are all there are
    low: Any = None  # numbers and ISO dates
    high: Any = None
    aliases: Mapping[str, str] = field(default_factory=dict)  # another name → the value

    def to_json(self) -> Any:
        """The form that a values file has for one item."""
        if self.complete:
            return list(self.values)
        bounds = {key: value for key, value in (("min", self.low), ("max", self.high)) if value is not None}
        return bounds | ({"examples": list(self.values)} if self.values else {})


class Values:
    """Known values by the name of an item."""

    def __init__(self, known: Mapping[str, Known] | None = None) -> None:
        self._known = dict(known or {})

    @classmethod
    def read(cls, data: Any, where: str = "values") -> Values:
        """Read the content of a values file. Raises DataError with a JSON pointer if its form is wrong."""
        if not isinstance(data, Mapping):
            raise DataError("the values are not a JSON object", where=where, hint=_HINT)
        return cls({name: _known(value, f"{where}, /{_escape(name)}") for name, value in data.items()})

    def get(self, name: str) -> Known | None:
        """The known values of an item. None if nothing is known."""
        return self._known.get(name)

    def only(self, allows: Callable[[str], bool]) -> Values:
        """The values of those items for which `allows(name)` is true."""
        return Values({name: known for name, known in self._known.items() if allows(name)})

    def with_aliases(self, data: Any, where: str = "aliases") -> Values:
        """The values with other names, from the content of an aliases file. Items without known values stay without.

        Raises DataError with a JSON pointer if its form is wrong.
        """
        if not isinstance(data, Mapping):
            raise DataError("the aliases are not a JSON object", where=where, hint=_ALIASES_HINT)
        aliases = {name: _aliases(names, f"{where}, /{_escape(name)}") for name, names in data.items()}
        known = self._known.items()
        return Values({name: replace(of, aliases=aliases.get(name, of.aliases)) for name, of in known})

    def with_more_aliases(self, names: Mapping[str, Mapping[str, Sequence[str]]]) -> Values:
        """The values with more other names: item → value → its names. A value that was not known is one more."""
        known = dict(self._known)
        for name, of_item in names.items():
            item = known.get(name, Known())
            new = tuple(value for value in of_item if value not in item.values)
            aliases = {other: value for value, others in of_item.items() for other in others}
            known[name] = replace(item, values=(*item.values, *new), aliases={**item.aliases, **aliases})
        return Values(known)

    def texts_in(self, shown: Mapping[str, Any]) -> dict[str, list[str]]:
        """The texts among the values that `shown`, which is in the form of a values file, has as they are."""
        texts = dict[str, list[str]]()
        for name, form in shown.items():
            listed = form if isinstance(form, list) else form.get("examples", [])
            values = self._known[name].values if name in self._known else ()
            texts[name] = [value for value in values if isinstance(value, str) and value in listed]
        return {name: found for name, found in texts.items() if found}

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


def _aliases(names: Any, where: str) -> dict[str, str]:
    """Another name → the value that it means."""
    lists = names.values() if isinstance(names, Mapping) else [None]
    if not all(isinstance(others, list) and all(isinstance(other, str) for other in others) for others in lists):
        raise DataError("not a valid form for aliases", where=where, hint=_ALIASES_HINT)
    return {other: value for value, others in names.items() for other in others}


def _scalars(values: list[Any], where: str, *, points: bool) -> tuple[Any, ...]:
    for value in values:
        point = points and isinstance(value, Mapping) and set(value) == {"lat", "lon"}
        if not (isinstance(value, _SCALARS) or point):
            raise DataError(f"{str(value)[:60]!r} cannot be a value", where=where, hint=_HINT)
    return tuple(values)


def _escape(key: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
