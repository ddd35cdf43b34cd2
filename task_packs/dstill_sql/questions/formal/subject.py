"""A database as a subject of questions.

subject_of(database, Lexicon.of(schema, references), references)    → Subject(entities=…, relations=…)
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.values import Known
from dstill.linked.names import words_in
from dstill.synthesis.subjects import Attribute, Entity, Kind, Relation, Subject
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Column, Reference, Table
from dstill_sql.questions.lexicon import Lexicon
from dstill_sql.questions.words import is_participle, noun_of

__all__ = ["subject_of"]

_NAMING = ("name", "title", "label", "subject", "nickname", "nm")
_CODES = ("id", "code", "number", "no", "zip", "phone", "email", "plate", "port", "isbn", "key", "url", "version")
_PROSE = ("comment", "text", "note", "notes", "description", "remark", "details", "message", "summary", "review")
_WHAT_WAS_DONE = {"date": "{} date", "year": "{} year", "number": "{} amount"}  # nouns of participles
_YEARS = range(1400, 2101)
_YES = frozenset(("yes", "y", "t", "true"))
_NO = frozenset(("no", "n", "f", "false"))


def subject_of(database: Database, lexicon: Lexicon, references: Sequence[Reference]) -> Subject:
    """The tables as entities, without columns whose types questions cannot be about."""
    single = [reference for reference in references if len(reference.columns) == 1]
    relations = [
        Relation(
            child=reference.table,
            parent=reference.to,
            role=lexicon.references[reference.table, reference.columns].role,
            column=reference.columns[0],
            to_column=reference.to_columns[0],
        )
        for reference in single
    ]
    referring = {(reference.table, reference.columns[0]) for reference in single}
    entities = [_entity(table, database, lexicon, referring) for table in database.schema.tables]
    return Subject(entities=entities, relations=relations)


def _entity(table: Table, database: Database, lexicon: Lexicon, referring: set[tuple[str, str]]) -> Entity:
    attributes, key = [], None
    for column in table.columns:
        known = database.values.get(f"{table.name}.{column.name}") or Known()
        is_key = table.key == (column.name,)
        kind = "code" if is_key or (table.name, column.name) in referring else _kind(column, known)
        if kind is None:
            continue
        words = lexicon.columns[f"{table.name}.{column.name}"]
        noun = words.noun if not is_key else "id" if noun_of(column.name).endswith("id") else noun_of(column.name)
        if (table.name, column.name) in referring:
            noun = noun_of(column.name)
        if is_participle(noun.split(" ")[0]) or noun.split(" ")[-1] in ("at", "on"):
            noun = _WHAT_WAS_DONE.get(kind, "{}").format(noun.removesuffix(" at").removesuffix(" on"))
        values = known.values
        if kind == "yes_no":
            values = tuple(sorted(values, key=lambda value: str(value).casefold() in _NO))
        attribute = Attribute(
            name=column.name, noun=noun, kind=kind, values=values, low=known.low, high=known.high, has=words.has,
            whole=column.family == "integer", nullable=column.nullable and not is_key, unit=words.unit,
        )  # fmt: skip
        attributes.append(attribute)
        key = attribute if is_key else key
    nouns = [attribute.noun for attribute in attributes]
    clear = [attribute for attribute in attributes if nouns.count(attribute.noun) == 1]
    return Entity(name=table.name, noun=lexicon.tables[table.name].noun, attributes=clear, key=key)


def _kind(column: Column, known: Known) -> Kind | None:
    last = noun_of(column.name).split(" ")[-1]
    if column.family == "boolean":
        return "boolean"
    if column.family in ("date", "timestamp"):
        return "date"
    if column.family in ("integer", "number"):
        bounds = [value for value in (*known.values, known.low, known.high) if value is not None]
        if last == "year" or (bounds and column.family == "integer" and all(value in _YEARS for value in bounds)):
            return "year"
        return "code" if last in _CODES else "number"
    return _text_kind(column, known, last) if column.family == "text" else None


def _text_kind(column: Column, known: Known, last: str) -> Kind:
    texts = {str(value).casefold() for value in known.values}
    if len(texts) == 2 and texts & _YES and texts & _NO:
        return "yes_no"
    if last in _NAMING or (words_in(column.name) or [""])[-1].casefold() in _NAMING:
        return "name"
    if last in _PROSE:
        return "text"
    if last in _CODES:
        return "code"
    return "category" if known.values else "code"
