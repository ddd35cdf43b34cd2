"""Selects the fields that a rule of the grammar may name, by nested path and by `mapping.needs`.

    picker = FieldPicker(profile.fields, profile.limits, notation)
    picker.fitting(None, NEEDS["term"])          fields of the documents themselves that term works on
    picker.fitting("credits", NEEDS["term"])     such fields below a nested path
    picker.names(fields)                         a token: one of their names, as a JSON string

Without fields that the guard denies, fields with conflicting types, fields of unknown types, and fields on which the
query would cause a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dstill_querydsl.language.date_formats import ISO, formats_of
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.grammar.notation import Notation, one_of
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.needs import Need

__all__ = ["FieldPicker", "reads_moments", "searchable", "single"]


class FieldPicker:
    """The usable fields of an index."""

    def __init__(self, fields: Fields, limits: Limits, notation: Notation) -> None:
        self._notation, self._limits = notation, limits
        self._fields = [field for field in fields if _usable(field, fields, limits)]
        self._below: dict[str | None, list[Field]] = {}
        self._by_family: dict[tuple[str | None, str], list[Field]] = {}
        for field in self._fields:  # a mapping may be wide, and `fitting` is called hundreds of times
            place = field.nested[-1] if field.nested else None
            self._below.setdefault(place, []).append(field)
            self._by_family.setdefault((place, field.family), []).append(field)
        self._named: dict[tuple[str, ...], str] = {}
        nested = [field for field in self._fields if field.type == "nested"]
        self.paths: dict[str | None, list[str]] = {None: []}  # path → the nested paths directly below it
        for path in nested:
            self.paths[path.name] = []
        for path in nested:
            outside = path.nested[-1] if path.nested else None
            if outside in self.paths:
                self.paths[outside].append(path.name)

    def fitting(self, path: str | None, need: Need, keep: Callable[[Field], bool] = lambda _: True) -> list[Field]:
        """The fields directly below `path` that meet `need` and that `keep` accepts."""
        fitting = (field for family in sorted(need.fits) for field in self._by_family.get((path, family), ()))
        return [field for field in fitting if (field.has_doc_values or not need.doc_values) and keep(field)]

    def everywhere(self, path: str | None) -> list[Field]:
        """All fields directly below `path`."""
        return self._below.get(path, [])

    def stored(self) -> str:
        """A token: the name of a field that _source may return."""
        return self.names([field for field in self._fields if not field.sub and self._limits.allows_source(field.name)])

    def names(self, fields: Sequence[Field]) -> str:
        """A token: one of their names; nothing where there is none."""
        names = tuple(sorted(field.name for field in fields))
        if names and names not in self._named:
            self._named[names] = self._notation.rule("FIELD", one_of(names))
        return self._named[names] if names else ""


def searchable(field: Field) -> bool:
    """Whether the field is indexed."""
    return field.options.get("index") is not False


def reads_moments(field: Field) -> bool:
    """Whether this is a date field that accepts ISO dates, which replace `now`."""
    return field.family == "date" and any(form in ISO for form in formats_of(field.format))


def single(field: Field) -> bool:
    """Whether documents probably have a single value. The mapping does not say; objects are often in lists."""
    return "." not in field.name.removeprefix(f"{field.nested[-1]}." if field.nested else "")


def _usable(field: Field, fields: Fields, limits: Limits) -> bool:
    conflict = fields.conflicts.get(field.name)
    return (
        field.family not in ("other", "lookup", "alias")
        and not field.name.startswith("_")
        and "*" not in field.name
        and field.name.isprintable()
        and limits.allows(field.name)
        and not (conflict is not None and not conflict.compatible)
    )
