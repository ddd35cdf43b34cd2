"""What each field of a mapping can be asked for: roles, derived from type, doc values and nesting.

    roles, left = roles_of({"properties": {"title": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}, …)
    roles[0]   Role(kind="text", field="title", stored="title", exact="title.raw", …)
    left       Left(types={"dense_vector": 1}): what no question is made of

Sub-fields that hold nothing new, aliases and fields that cannot be searched have no role.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Mapping

from dstill_querydsl.language.fields import Field, Fields, raw_fields
from dstill_querydsl.language.values import Known, Values
from dstill_querydsl.questions.lexicon import Lexicon, Word
from dstill_querydsl.questions.moments import written
from dstill_querydsl.questions.value_inventory import fitting
from dstill_querydsl.questions.words import words_of

__all__ = ["Left", "Role", "roles_of"]

# family of a type → what it is in a question
KINDS: Mapping[str, str] = {
    "keyword": "category",
    "version": "category",
    "number": "number",
    "date": "date",
    "text": "text",
    "boolean": "boolean",
    "ip": "ip",
    "geo_point": "geo",
}
_WHOLE = ("long", "integer", "short", "byte", "unsigned_long")
_CODES = frozenset(("code", "status", "id", "ids", "port", "pid", "year", "version", "zip", "hash", "key", "number"))
_A_DAY = datetime(2025, 3, 14, tzinfo=UTC)
_NO_ROLE = ("constant_keyword", "aggregate_metric_double", "token_count", "semantic_text", "lookup")


@dataclass(frozen=True, kw_only=True)
class Role:
    kind: str  # a value of KINDS
    field: str  # the name in a body
    stored: str  # the path in a document
    type: str
    word: Word
    known: Known  # what it holds; may be nothing
    nested: str = ""  # the nested path that encloses it
    exact: str = ""  # of a text: its sub-field with whole values
    grams: str = ""  # its sub-field of parts of words
    groups: bool = False  # it can be sorted and grouped by
    format: str = ""
    sure: bool = True  # its values are real ones; False: nothing is known of it, of other fields it is

    @property
    def whole(self) -> bool:
        return self.type in _WHOLE

    @property
    def measures(self) -> bool:
        """Whether its numbers can be added up, by its name."""
        return not _CODES.intersection(words_of(self.stored.rpartition(".")[2])[-1:])

    @property
    def code(self) -> bool:
        """Whether it is one of few whole numbers that nobody adds up: a status code."""
        return self.kind == "number" and self.whole and not self.measures and bool(self.known.values)

    @property
    def keyword(self) -> str:
        """The name in a body of its whole values."""
        return self.exact or self.field

    @property
    def keyword_note(self) -> str:
        return f"{self.exact} is the keyword of {self.field}" if self.exact else self.note

    @property
    def many(self) -> str:
        """What several of its values are called."""
        return f"{self.word.noun} values" if self.kind == "boolean" and not self.word.nouns else self.word.many

    @property
    def note(self) -> str:
        """How a rationale begins: ``host.name is keyword``."""
        return f"{self.field} is {self.type}"


@dataclass
class Left:
    """What questions are not made of."""

    types: Counter[str] = field(default_factory=Counter)  # of fields, by type
    beyond: int = 0  # fields of a wide mapping beside those that documents are invented for
    strangers: list[str] = field(default_factory=list)  # names of a values file that the mapping has not
    misfits: list[str] = field(default_factory=list)  # "took: 'n/a'", values that their field cannot hold


def roles_of(mapping: Mapping[str, Any], values: Values, lexicon: Lexicon) -> tuple[tuple[Role, ...], Left]:
    """The roles in the mapping's order, and what has none."""
    fields = Fields.of(mapping)
    left = Left(strangers=[name for name in values if fields.get(name) is None])
    aliases = {one.name for one in raw_fields(mapping) if one.type == "alias"}
    found: list[Role] = []
    taken: set[str] = set()
    for one in fields:
        if one.family in ("object", "nested") or one.name in aliases or one.name in fields.conflicts or one.sub:
            continue  # sub-fields are seen with their field
        role = _role(one, fields, values, lexicon)
        if role is None or not _has_place(one.name, taken):
            left.types[one.type] += 1
            continue
        taken |= {one.name, *_above(one.name)}
        known, misfits = fitting(role.kind, role.known, whole=role.whole)
        left.misfits += [f"{one.name}: {value!r}" for value in misfits]
        found.append(replace(role, known=known))
    return tuple(found), left


def _above(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def _has_place(name: str, taken: set[str]) -> bool:
    """Whether a document can hold it beside the others (`a` is no value where `a.b` is one), and a body name it."""
    whole = all(part.strip() for part in name.split("."))
    return whole and "*" not in name and not name.startswith("_") and name not in taken


def _role(one: Field, fields: Fields, values: Values, lexicon: Lexicon) -> Role | None:
    kind = KINDS.get(one.family)
    if kind is None or one.type in _NO_ROLE or len(one.nested) > 1 or not _searchable(one):
        return None
    if kind == "date" and written(_A_DAY, one.format or "") is None:
        return None  # a format that nothing here can write
    exact = fields.exact(one.name) or "" if kind == "text" else ""
    return Role(
        kind=kind,
        field=one.name,
        stored=one.name,
        type=one.type,
        word=lexicon.fields[one.name],
        nested=one.nested[-1] if one.nested else "",
        exact=exact,
        grams=_grams(one.name, fields),
        groups=one.has_doc_values and kind != "text",
        known=values.get(exact or one.name) or values.get(one.name) or Known(),
        format=one.format or "",
    )


def _searchable(one: Field) -> bool:
    return one.options.get("index", True) is not False and one.options.get("enabled", True) is not False


def _grams(name: str, fields: Fields) -> str:
    """The sub-field (or the field) whose analyzer cuts words into parts, by the analyzer's name."""
    for one in fields:
        own = one.name == name or (one.sub and one.name.rpartition(".")[0] == name)
        if own and one.family == "text" and "gram" in str(one.options.get("analyzer", "")).lower():
            return one.name
    return ""
