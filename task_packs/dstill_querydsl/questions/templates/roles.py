"""The role of each field in questions, derived from its type, doc values and nesting.

    roles, skipped = roles_of({"properties": {"title": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}, …)
    roles[0]   Role(kind="text", field="title", stored="title", exact="title.raw", …)
    skipped    SkippedFields(types={"dense_vector": 1}): fields without questions

Sub-fields with the same values, aliases and fields that cannot be searched have no role.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dstill.api.values import Known, Values
from dstill_querydsl.language.field_types import INTEGERS, QUESTION_KINDS
from dstill_querydsl.language.fields import Field, Fields, raw_fields
from dstill_querydsl.questions.templates.fitting_values import fitting
from dstill_querydsl.questions.templates.lexicon import Lexicon, Word
from dstill_querydsl.questions.templates.moments import written
from dstill_querydsl.questions.templates.words import words_of

__all__ = ["Role", "SkippedFields", "roles_of"]

_CODES = frozenset(("code", "status", "id", "ids", "port", "pid", "year", "version", "zip", "hash", "key", "number"))
_A_DAY = datetime(2025, 3, 14, tzinfo=UTC)
_NO_ROLE = ("constant_keyword", "aggregate_metric_double", "token_count", "semantic_text", "lookup")


@dataclass(frozen=True, kw_only=True)
class Role:
    """The uses of one field in questions."""

    kind: str  # one of the values of QUESTION_KINDS
    field: str  # the name in a body
    stored: str  # the path in a document
    type: str
    word: Word
    known: Known  # known values, perhaps none
    nested: str = ""  # the nested path around it
    exact: str = ""  # keyword sub-field of a text
    grams: str = ""  # sub-field with n-grams
    groups: bool = False  # can be sorted and grouped by
    format: str = ""
    has_values: bool = True  # False: its values are made up, while those of other fields are known

    @property
    def whole(self) -> bool:
        """Whether it has whole numbers."""
        return self.type in INTEGERS

    @property
    def measures(self) -> bool:
        """Whether its numbers can be summed, judged by its name."""
        return not _CODES.intersection(words_of(self.stored.rpartition(".")[2])[-1:])

    @property
    def code(self) -> bool:
        """Whether it has few whole numbers that are not summed, such as status codes."""
        return self.kind == "number" and self.whole and not self.measures and bool(self.known.values)

    @property
    def keyword(self) -> str:
        """The field with its whole values in a body."""
        return self.exact or self.field

    @property
    def keyword_note(self) -> str:
        """As `note`, about the field with whole values."""
        return f"{self.exact} is the keyword of {self.field}" if self.exact else self.note

    @property
    def many(self) -> str:
        """The noun for several of its values."""
        return f"{self.word.noun} values" if self.kind == "boolean" and not self.word.nouns else self.word.many

    @property
    def note(self) -> str:
        """The beginning of a rationale: ``host.name is keyword``."""
        return f"{self.field} is {self.type}"


@dataclass
class SkippedFields:
    """Fields and values that questions do not use."""

    types: Counter[str] = dataclasses.field(default_factory=Counter)  # type → number of fields
    over_limit: int = 0  # fields of a wide mapping above the limit for invented documents
    unmapped: list[str] = dataclasses.field(default_factory=list)  # names in the values file, not in the mapping
    misfits: list[str] = dataclasses.field(default_factory=list)  # "took: 'n/a'": values of the wrong type


def roles_of(mapping: Mapping[str, Any], values: Values, lexicon: Lexicon) -> tuple[tuple[Role, ...], SkippedFields]:
    """Roles in the order of the mapping, and fields without one."""
    fields = Fields.of(mapping)
    skipped = SkippedFields(unmapped=[name for name in values if fields.get(name) is None])
    aliases = {raw_field.name for raw_field in raw_fields(mapping) if raw_field.type == "alias"}
    roles: list[Role] = []
    taken: set[str] = set()
    for field in fields:
        if field.family in ("object", "nested") or field.name in aliases or field.name in fields.conflicts or field.sub:
            continue  # sub-fields belong to the role of their field
        role = _role(field, fields, values, lexicon)
        if role is None or not _can_be_stored(field.name, taken):
            skipped.types[field.type] += 1
            continue
        taken |= {field.name, *_above(field.name)}
        known, misfits = fitting(role.kind, role.known, whole=role.whole)
        skipped.misfits += [f"{field.name}: {value!r}" for value in misfits]
        roles.append(replace(role, known=known))
    return tuple(roles), skipped


def _above(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def _can_be_stored(name: str, taken: set[str]) -> bool:
    """Whether a document can have it together with the other fields (not `a` and `a.b`), and a body can name it."""
    whole = all(part.strip() for part in name.split("."))
    return whole and "*" not in name and not name.startswith("_") and name not in taken


def _role(field: Field, fields: Fields, values: Values, lexicon: Lexicon) -> Role | None:
    kind = QUESTION_KINDS.get(field.family)
    if kind is None or field.type in _NO_ROLE or len(field.nested) > 1 or not _searchable(field):
        return None
    if kind == "date" and written(_A_DAY, field.format or "") is None:
        return None  # a date format that is not covered
    exact = fields.exact(field.name) or "" if kind == "text" else ""
    return Role(
        kind=kind,
        field=field.name,
        stored=field.name,
        type=field.type,
        word=lexicon.fields[field.name],
        nested=field.nested[-1] if field.nested else "",
        exact=exact,
        grams=_grams(field.name, fields),
        groups=field.has_doc_values and kind != "text",
        known=values.get(exact or field.name) or values.get(field.name) or Known(),
        format=field.format or "",
    )


def _searchable(field: Field) -> bool:
    return field.options.get("index", True) is not False and field.options.get("enabled", True) is not False


def _grams(name: str, fields: Fields) -> str:
    """The field or sub-field with an n-gram analyzer, judged by the analyzer's name."""
    for field in fields:
        own = field.name == name or (field.sub and field.name.rpartition(".")[0] == name)
        if own and field.family == "text" and "gram" in str(field.options.get("analyzer", "")).lower():
            return field.name
    return ""
