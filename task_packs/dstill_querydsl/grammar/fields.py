"""Which fields of an index a rule of the grammar may name, by place and by what the tables of needs say.

    pick = Pick(profile.fields, profile.limits, made)
    pick.fitting(None, NEEDS["term"])          fields of the documents themselves that a term fits
    pick.fitting("credits", NEEDS["term"])     those below the nested path
    pick.names(fields)                         a token: one of their names, as a JSON string

Left out are fields that the guard denies, that indices disagree on, of types that no table knows, and those that
a warning would come with.
"""

from __future__ import annotations

from typing import Callable, Sequence

from dstill_querydsl.grammar.notation import Notation, one_of
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.language.date_formats import ISO, formats_of
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.mapping.needs import Need

__all__ = ["Pick", "reads_moments", "searchable", "single"]


class Pick:
    def __init__(self, fields: Fields, limits: Limits, made: Notation) -> None:
        self._made, self._limits = made, limits
        self._fields = [field for field in fields if _usable(field, fields, limits)]
        self._below: dict[str | None, list[Field]] = {}
        self._of_family: dict[tuple[str | None, str], list[Field]] = {}
        for field in self._fields:  # a mapping may be wide, and is asked hundreds of times
            place = field.nested[-1] if field.nested else None
            self._below.setdefault(place, []).append(field)
            self._of_family.setdefault((place, field.family), []).append(field)
        self._named: dict[tuple[str, ...], str] = {}
        nested = [field for field in self._fields if field.type == "nested"]
        self.paths: dict[str | None, list[str]] = {None: []}  # of each place the nested paths right below it
        for path in nested:
            self.paths[path.name] = []
        for path in nested:
            outside = path.nested[-1] if path.nested else None
            if outside in self.paths:
                self.paths[outside].append(path.name)

    def fitting(self, path: str | None, need: Need, keep: Callable[[Field], bool] = lambda field: True) -> list[Field]:
        """The fields right below `path` that have what `need` says."""
        fitting = (field for family in sorted(need.fits) for field in self._of_family.get((path, family), ()))
        return [field for field in fitting if (field.has_doc_values or not need.doc_values) and keep(field)]

    def everywhere(self, path: str | None) -> list[Field]:
        """Whatever lies right below `path`."""
        return self._below.get(path, [])

    def stored(self) -> str:
        """What the documents hold: for _source."""
        return self.names([field for field in self._fields if not field.sub and self._limits.allows_source(field.name)])

    def names(self, fields: Sequence[Field]) -> str:
        """A token: one of their names; nothing where there is none."""
        names = tuple(sorted(field.name for field in fields))
        if names and names not in self._named:
            self._named[names] = self._made.rule("FIELD", one_of(names))
        return self._named[names] if names else ""


def searchable(field: Field) -> bool:
    return field.options.get("index") is not False


def reads_moments(field: Field) -> bool:
    """Whether it is a date that reads a moment as the pack writes one for `now`."""
    return field.family == "date" and any(one in ISO for one in formats_of(field.format))


def single(field: Field) -> bool:
    """Whether documents probably hold one value: the mapping does not say, lists of objects are the usual others."""
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
