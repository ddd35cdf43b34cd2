"""How people talk about an index: nouns for documents and fields, and what words such as "slow" mean.

In: a mapping, and an optional lexicon as JSON. Out: a `Lexicon`. The JSON form:

    {"document": "film", "documents": ["films", "movies"],
     "fields": {"runtime": {"noun": "running time", "unit": "minute", "most": "longest", "least": "shortest"},
                "country": {"codes": {"DE": "Germany"}, "ways": ["from {v}"]}},
     "conditions": [{"word": "long", "field": "runtime", "bounds": {"gt": 120}, "means": "over 2 hours"}],
     "absent": ["ticket price"]}

Without a lexicon, everything is derived: a field's noun is the last two parts of its path, its unit is
the mapping's ``meta.unit``, and a document is called document. A mapping can have a lexicon in ``_meta.lexicon``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill.errors import DataError
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.query_forms import RANGE_ENDS
from dstill_querydsl.questions.templates.words import nouns, plural

__all__ = ["Lexicon", "Word", "WordRange"]

_HINT = "docs/querydsl.md shows the form of a lexicon"


@dataclass(frozen=True, kw_only=True)
class Word:
    """Words for one field."""

    noun: str
    nouns: str = ""  # its plural
    unit: str = ""  # a key of `units.UNITS`, or any word that follows a number
    codes: Mapping[str, str] = dataclasses.field(default_factory=dict)  # value → what people say
    ways: tuple[str, ...] = ()  # more wordings for a value: "by user {v}". "{v} <" goes before the noun
    most: str = ""  # "slowest"
    least: str = ""  # "fastest"
    yes: str = ""  # for a boolean: "that were cancelled"
    no: str = ""

    @property
    def many(self) -> str:
        """The plural."""
        return self.nouns or plural(self.noun)


@dataclass(frozen=True, kw_only=True)
class WordRange:
    """A word that stands for a range, such as "long"."""

    word: str
    field: str
    bounds: Mapping[str, float]
    means: str


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Words for one index."""

    document: str = "document"
    documents: tuple[str, ...] = ("documents", "records", "entries")
    fields: Mapping[str, Word] = dataclasses.field(default_factory=dict)
    conditions: tuple[WordRange, ...] = ()
    absent: tuple[str, ...] = ()  # things that people might ask for and no field has

    @classmethod
    def of(cls, mapping: Mapping[str, Any], table: Mapping[str, Any] | None = None) -> Lexicon:
        """The lexicon derived from the mapping, where `table` (the JSON form) takes precedence. Raises DataError."""
        fields = [field for field in Fields.of(mapping) if field.family not in ("object", "nested")]
        table = table if table is not None else mapping.get("_meta", {}).get("lexicon", {})
        if not isinstance(table, Mapping):
            raise DataError("a lexicon must be an object", where="lexicon", hint=_HINT)
        try:
            return cls._read(fields, table)
        except (TypeError, AttributeError, KeyError) as problem:
            raise DataError(f"the lexicon cannot be read: {problem}", where="lexicon", hint=_HINT) from None

    @classmethod
    def _read(cls, fields: list[Field], table: Mapping[str, Any]) -> Lexicon:
        roots = [field.name for field in fields if not field.sub]
        called = nouns(roots)
        words = {}
        for field in fields:
            root = field.name.rpartition(".")[0] if field.sub else field.name
            own = dict(table.get("fields", {}).get(root, {}))
            own["ways"] = tuple(own.get("ways", ()))
            noun = called.get(root, root)
            if field.family == "boolean" and noun.removeprefix("is ") not in called.values():
                noun = noun.removeprefix("is ")  # "that are marked paid"
            words[field.name] = Word(**{"noun": noun, "unit": _unit(field), **own})
        conditions = [WordRange(**entry) for entry in table.get("conditions", ())] or _conditions(fields)
        names = {field.name for field in fields}
        basics = cls()
        return cls(
            document=str(table.get("document", basics.document)),
            documents=tuple(table.get("documents", ())) or basics.documents,
            fields=words,
            conditions=tuple(
                condition
                for condition in conditions
                if condition.field in names and set(condition.bounds) <= set(RANGE_ENDS)
            ),
            absent=tuple(table.get("absent", ())),
        )


def _unit(field: Field) -> str:
    meta = field.options.get("meta")
    unit = meta.get("unit") if isinstance(meta, Mapping) else None
    return unit if isinstance(unit, str) and unit.isprintable() and len(unit) <= 20 else ""


_SECOND = {"nanos": 10**9, "micros": 10**6, "ms": 10**3, "s": 1}


def _conditions(fields: list[Field]) -> list[WordRange]:
    """Slow, large and failed as in the pack's instructions, if exactly one field can be meant."""
    numbers = [field for field in fields if field.family == "number" and not field.nested and not field.sub]
    durations = [number for number in numbers if _unit(number) in _SECOND]
    sizes = [number for number in numbers if _unit(number) == "byte"]
    codes = [number for number in numbers if number.name.rpartition(".")[2] in ("status_code", "statusCode")]
    conditions = []
    if len(durations) == 1:
        second = _SECOND[_unit(durations[0])]
        conditions.append(WordRange(word="slow", field=durations[0].name, bounds={"gt": second}, means="over 1 second"))
    if len(sizes) == 1:
        conditions.append(WordRange(word="large", field=sizes[0].name, bounds={"gt": 10**6}, means="over 1 MB"))
    if codes:
        code = min(codes, key=lambda code: ("response" not in code.name, len(code.name)))
        conditions.append(
            WordRange(word="failed", field=code.name, bounds={"gte": 500, "lt": 600}, means="a status 5xx")
        )
    return conditions
