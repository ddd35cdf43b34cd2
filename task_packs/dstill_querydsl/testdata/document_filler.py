"""Write documents from specs: every field that a spec does not fix gets a distinct value.

    Filler(layout, roles, names, now, random).documents([DocumentSpec(fixed={("", "level"): "error"}), …])
    → [("c00", {"level": "error", "took": 37, "at": "2025-03-21T04:10:00.000Z", …}), …]

Numbers and dates differ in each document, and each field has another order, so that
no sum, order or group of one field equals that of another. If a page or a maximum decides, near
misses come first, so that a body which includes one gives another result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dstill_querydsl.language.field_types import MAX_EXACT
from dstill_querydsl.language.fields import Field
from dstill_querydsl.testdata import instants
from dstill_querydsl.testdata.document_specs import INSIDE, MISSING, DocumentSpec
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.roles import FieldUse

__all__ = ["Filler", "Pools"]

WORDS = ("alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa")
_SMALL = {"byte": 100, "short": 30_000, "half_float": 1000}
_LARGEST = {"byte": 2**7, "short": 2**15, "integer": 2**31, "long": MAX_EXACT, "half_float": 65_000, "float": 2**24}
FEW_GROUPS = 14
_SPAN = 40 * instants.DAY  # of dates without bounds


@dataclass(frozen=True, kw_only=True)
class Pools:
    """The gold's constants, which other documents get too."""

    own: Mapping[str, Sequence[Any]]  # by field: constants that it is compared with
    family: Mapping[str, Sequence[Any]]  # by family: for fields that could be confused with it


class Filler:
    """Writes the documents of one candidate."""

    def __init__(
        self,
        layout: Layout,
        roles: Mapping[str, FieldUse],
        names: Sequence[str],
        now: int,
        random: Random,
        pools: Pools,
    ) -> None:
        self.layout, self.roles, self.now, self.random = layout, roles, now, random
        self.fields = [layout.fillable[name] for name in names]
        self.pools = pools
        self.shift = {name: random.randrange(1, 60) for name in names}

    def documents(self, specs: Sequence[DocumentSpec]) -> list[tuple[str, dict[str, Any]]]:
        """A document (id, source) for each spec."""
        self.count = len(specs)
        ranks = {field.name: self._ranks(specs, field) for field in self.fields}
        groups = {field.name: self._groups(specs, field) for field in self.fields}
        missing = {field.name: self._missing(place, field) for place, field in enumerate(self.fields)}
        documents = []
        for number, spec in enumerate(specs):
            source: dict[str, Any] = {}
            self.absent = {name for name, numbers in missing.items() if number in numbers}
            for path in ("", *self._nested()):
                objects = [spec.fixed, *spec.others] if path else [spec.fixed]
                if path and not spec.others and self.random.random() < 0.5:
                    objects = [*objects, {}]
                filled = [
                    self._object(path, fixed, spec, [ranks[f.name][number] for f in self._in(path)], number, groups)
                    for fixed in objects
                ]
                _place(source, path, filled)
            documents.append((f"c{number:02}", source))
        return documents

    def _nested(self) -> list[str]:
        return sorted({field.nested[-1] for field in self.fields if field.nested})

    def _in(self, path: str) -> list[Field]:
        return [field for field in self.fields if (field.nested[-1] if field.nested else "") == path]

    def _ranks(self, specs: Sequence[DocumentSpec], field: Field) -> list[int]:
        """The rank of each document in this field. Near misses are first or last if that makes them visible."""
        order = list(range(len(specs)))
        self.random.shuffle(order)
        if rank := self.roles.get(field.name, FieldUse()).rank:
            order.sort(key=lambda number: specs[number].near * rank)
        ranks = [0] * len(order)
        for rank, number in enumerate(order):
            ranks[number] = rank
        return ranks

    def _groups(self, specs: Sequence[DocumentSpec], field: Field) -> list[int]:
        """The group of each document. Hits are in every group, and in the first groups more often."""
        many = self.roles.get(field.name, FieldUse()).groups or 4
        falling = [many - group for group in range(many)]
        hits = [number for number, spec in enumerate(specs) if not spec.near]
        drawn = [*range(many), *self.random.choices(range(many), falling, k=len(hits))][: len(hits)]
        self.random.shuffle(drawn)
        groups = self.random.choices(range(many), falling, k=len(specs))
        for number, group in zip(hits, drawn, strict=True):
            groups[number] = group
        return groups

    def _missing(self, place: int, field: Field) -> set[int]:
        """Documents without this field. The number differs between fields, so that their counts do too."""
        role = self.roles.get(field.name, FieldUse())
        most = 1 if role.ordered else 2 if role.groups > FEW_GROUPS else 7
        return set(self.random.sample(range(self.count), min(place % (most + 1), self.count // 3)))

    def _object(
        self,
        path: str,
        fixed: Mapping[Any, Any],
        spec: DocumentSpec,
        ranks: Sequence[int],
        number: int,
        groups: Mapping[str, Sequence[int]],
    ) -> dict[str, Any]:
        filled = {}
        for field, rank in zip(self._in(path), ranks, strict=True):
            key = (path, field.name)
            if key in fixed and fixed[key] is not INSIDE:
                value = fixed[key]
            elif key in fixed:
                value = self._inside(field, spec.bounds.get(key, (None, None)), rank, groups[field.name][number])
            else:
                value = self._free(field, rank, groups[field.name][number])
            written = (
                [self._written(field, item) for item in value]
                if isinstance(value, list)
                else self._written(field, value)
            )
            if written is not MISSING and written is not None:
                filled[field.name] = written
        return filled

    # --- values -------------------------------------------------------------------------

    def _inside(self, field: Field, bounds: tuple[float | None, float | None], rank: int, group: int) -> Any:
        low, high = bounds
        if low is None and high is None:
            return self._plain(field, rank, group)
        days = field.family == "date" and instants.whole_days(field.format)
        step = self.roles.get(field.name, FieldUse()).step or (1_700_000 if field.family == "date" else 3)
        step = max(step, instants.DAY) if days else step
        if low is not None and high is None and field.type in _LARGEST:
            step = min(step, (_LARGEST[field.type] - 1 - low) / (self.count + 3))  # so that all fit into the type
        if low is not None and high is not None:
            value = low + (high - low) * (rank + 1) / (self.count + 2)
        else:
            value = low + step * (rank + 2) if low is not None else (high or 0) - step * (self.count - rank + 1)
        if days:  # round up to a day, since rounding down could go below `low`, but not above `high`
            value = -int(-value // instants.DAY) * instants.DAY
            return value if high is None else min(value, int(high // instants.DAY) * instants.DAY)
        return int(value) if field.family == "date" or _whole(field) else round(value, 4)

    def _free(self, field: Field, rank: int, group: int) -> Any:
        if field.name in self.absent:
            return MISSING
        role = self.roles.get(field.name)
        if role is not None and role.constants and self.random.random() < 0.6:
            return self.random.choice(self._around(field, role.constants))
        drawn = self.random.random()
        if field.name in self.pools.own and drawn < 0.7:
            own = self.pools.own[field.name]
            return own[0] if drawn < 0.35 else self.random.choice(own)
        if field.family in self.pools.family and drawn < 0.2 and not (role and (role.ordered or role.groups)):
            return self.random.choice(self.pools.family[field.family])
        return self._plain(field, rank, group)

    def _around(self, field: Field, constants: Sequence[Any]) -> list[Any]:
        if field.family == "date":
            spans = [span for constant in constants if (span := instants.span(constant, self.now))]
            return [moment for first, last in spans for moment in (first, first - 1, last + 1)] or [self.now]
        numbers = [float(constant) for constant in constants if isinstance(constant, (int, float))]
        return [
            int(n) if float(n).is_integer() else n for number in numbers for n in (number, number - 1, number + 1)
        ] or [1]

    def _plain(self, field: Field, rank: int, group: int) -> Any:
        role, shift = self.roles.get(field.name, FieldUse()), self.shift[field.name]
        if field.family == "number":
            return self._number(field, role, shift, rank, group)
        if field.family == "date":
            step = role.step or _SPAN / max(self.count, 1)
            return int(self.now - step * (self.count - rank + shift / 60) + self.random.random() * step * 0.2)
        if field.family == "boolean":
            return (rank + shift) % 3 == 0
        if field.family == "ip":
            return f"203.0.113.{(group if role.groups else rank * 3 + shift) % 250 + 1}"
        if field.family == "geo_point":
            return {"lat": round(30 + shift / 6 + rank * 0.31, 4), "lon": round(-20 + shift / 4 + rank * 0.47, 4)}
        if field.family == "text" and not (role.groups or role.ordered):
            return " ".join(self.random.sample(WORDS, 3))
        value = rank if role.ordered else group
        return f"{WORDS[shift % len(WORDS)]}-{value:02}"

    def _number(self, field: Field, role: FieldUse, shift: int, rank: int, group: int) -> Any:
        step = role.step or 1 + shift % 7
        value = shift + (group if role.groups else rank) * step
        if field.type in _SMALL:
            value %= _SMALL[field.type]
        return int(value) if _whole(field) else round(value + 0.25, 4)

    def _written(self, field: Field, value: Any) -> Any:
        if value is MISSING or value is INSIDE:
            return MISSING
        if field.family == "date":
            return instants.text(value, field.format) if isinstance(value, int) else None
        if field.family == "number" and isinstance(value, (int, float)):
            if abs(value) >= _LARGEST.get(field.type, MAX_EXACT):
                return MISSING
            return int(value) if _whole(field) else value
        return value


def _whole(field: Field) -> bool:
    return field.type in ("long", "integer", "short", "byte")


def _place(source: dict[str, Any], path: str, objects: Sequence[Mapping[str, Any]]) -> None:
    """Put fields with full names into nested dictionaries, below a nested path as a list of objects."""
    if path:
        objects = [{name[len(path) + 1 :]: value for name, value in item.items()} for item in objects]
    trees = [_tree(item) for item in objects]
    if not path:
        source.update(trees[0])
        return
    *above, last = path.split(".")
    place: Any = source
    for step in above:
        place = place.setdefault(step, {})
        place = place[0] if isinstance(place, list) else place
    place[last] = [tree for tree in trees if tree] or [{}]


def _tree(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *above, last = name.split(".")
        place = tree
        for step in above:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place
        if isinstance(place, dict):  # `a` and `a.b` can both be fields, and a document has only one of them
            place[last] = value
    return tree
