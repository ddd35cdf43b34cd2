"""Building blocks for the tables of `schema.forms`.

closed("slice", ("max",), id=NUMBER, max=NUMBER)   an object with these keys, of which max is required
Table().add("query.range", Form(value=…))          how one place differs from the typed class
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from dstill_querydsl.language.schema.shapes import (
    JsonSchema,
    Shape,
    any_way,
    array,
    boolean,
    literals,
    number,
    obj,
    text,
    union,
)

__all__ = [
    "BOOLEAN", "BOOST", "LOOSE_TEXT", "LOOSE_TEXTS", "NOT_NEGATIVE", "NUMBER", "ORDER", "POSITIVE", "QUERIES", "QUERY",
    "SCALAR", "TEXT", "TEXTS", "Form", "Table", "closed", "ref",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the parser's rules for one place differ from the client's typed class."""

    properties: Mapping[str, Shape] = field(default_factory=dict)  # options to add or replace
    drop: frozenset[str] = frozenset()  # arguments of the class that the parser refuses
    only: frozenset[str] = frozenset()  # the only arguments of the class that the parser accepts; empty: all
    required: tuple[str, ...] | None = None  # replaces what the class's docstring calls required
    one_of: tuple[tuple[str, ...], ...] = ()  # groups of which at least one key is required
    one_key: bool = False  # exactly one key besides boost and _name
    value: Shape | None = None  # replaces the class's value of a field
    short: Shape | None = None  # a further short form for the value of a field
    loose: bool | None = None  # whether the parser accepts numbers as text; None: yes in queries, no elsewhere
    several: bool = False  # several fields may be given
    apart: tuple[tuple[str, ...], ...] = ()  # the first key of a group excludes the others
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # key → keys that it requires

    def accepts(self, name: str) -> bool:
        """Whether the parser accepts this argument of the class."""
        return name not in self.drop and (not self.only or name in self.only)


class Table(dict[str, Form]):
    """Place → form. `schema.forms` explains the names of places."""

    def add(self, place: str, form: Form) -> None:
        """Merge `form` into the form of `place`; attributes that `form` sets win."""
        known, plain = self.get(place, Form()), Form()
        new = {f.name: getattr(form, f.name) for f in fields(Form) if getattr(form, f.name) != getattr(plain, f.name)}
        self[place] = replace(known, **{**new, "properties": {**known.properties, **form.properties}})


def ref(name: str) -> Shape:
    """An object that the schema defines under ``$defs``."""
    return obj({"$ref": f"#/$defs/{name}"})


def closed(kind: str, required: tuple[str, ...] = (), one_of: tuple[str, ...] = (), /, **properties: Shape) -> Shape:
    """An object with these keys only: all of `required`, and at least one of `one_of`.

    `kind` names the object in messages. ``from_`` means ``from``.
    """
    rendered = {name.rstrip("_"): shape.render() for name, shape in properties.items()}
    schema: JsonSchema = {"type": "object", "x-what": kind, "properties": rendered, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if one_of:
        schema["anyOf"] = [{"required": [name]} for name in one_of]
    return obj(schema)


TEXT = text(loose=False)
LOOSE_TEXT = text(loose=True)
TEXTS = array(TEXT)
LOOSE_TEXTS = array(LOOSE_TEXT)
NUMBER = number()
BOOLEAN = boolean()
QUERY = ref("query")
QUERIES = union(array(QUERY), QUERY)
SCALAR = LOOSE_TEXT
ORDER = any_way(literals(["asc", "desc"]))
NOT_NEGATIVE = number(minimum=0)
POSITIVE = number(minimum=1)
BOOST = NOT_NEGATIVE
