"""The pieces that the tables of `schema.forms` are made of.

closed("slice", ("max",), id=NUMBER, max=NUMBER)   an object with these keys, of which max must stand
Table().add("query.range", Form(value=…))          how one place differs from the typed class
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Mapping

from dstill_querydsl.schema.shapes import Schema, Shape, any_way, array, boolean, literals, number, obj, text, union

__all__ = [
    "BOOLEAN", "BOOST", "LOOSE", "LOOSE_TEXTS", "NOT_NEGATIVE", "NUMBER", "ORDER", "POSITIVE", "QUERIES", "QUERY",
    "SCALAR", "TEXT", "TEXTS", "Form", "Table", "closed", "ref",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Form:
    """How one place differs from its typed class."""

    properties: Mapping[str, Shape] = field(default_factory=dict)  # added or replaced
    drop: frozenset[str] = frozenset()  # in the class, but not in the parser
    only: frozenset[str] = frozenset()  # of the class's arguments these alone; empty: all
    required: tuple[str, ...] | None = None  # instead of what the class's text calls required
    one_of: tuple[tuple[str, ...], ...] = ()  # of each group at least one
    one_key: bool = False  # exactly one key beside boost and _name
    value: Shape | None = None  # of a field's entry, instead of the class's
    short: Shape | None = None  # of a field's entry, beside the class's
    loose: bool | None = None  # whether the parser is loose about text; None: queries are, the rest is not
    several: bool = False  # several fields may stand side by side
    apart: tuple[tuple[str, ...], ...] = ()  # where the first of a group stands, the others may not
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # where a key stands, these must too

    def takes(self, name: str) -> bool:
        """Whether an argument of the class is one of the parser's too."""
        return name not in self.drop and (not self.only or name in self.only)


class Table(dict[str, Form]):
    """Forms by place; see `schema.forms` for what places are called."""

    def add(self, place: str, form: Form) -> None:
        """A form for a place, beside what is already said of it."""
        known, plain = self.get(place, Form()), Form()
        said = {f.name: getattr(form, f.name) for f in fields(Form) if getattr(form, f.name) != getattr(plain, f.name)}
        self[place] = replace(known, **{**said, "properties": {**known.properties, **form.properties}})


def ref(name: str) -> Shape:
    return obj({"$ref": f"#/$defs/{name}"})


def closed(what: str, required: tuple[str, ...] = (), one_of: tuple[str, ...] = (), /, **properties: Shape) -> Shape:
    """An object with these keys and no other, `required` among them, and at least one of `one_of`.

    ``from_`` stands for ``from``.
    """
    rendered = {name.rstrip("_"): shape.render() for name, shape in properties.items()}
    schema: Schema = {"type": "object", "x-what": what, "properties": rendered, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if one_of:
        schema["anyOf"] = [{"required": [name]} for name in one_of]
    return obj(schema)


TEXT = text(loose=False)
LOOSE = text(loose=True)
TEXTS = array(TEXT)
LOOSE_TEXTS = array(LOOSE)
NUMBER = number()
BOOLEAN = boolean()
QUERY = ref("query")
QUERIES = union(array(QUERY), QUERY)
SCALAR = LOOSE
ORDER = any_way(literals(["asc", "desc"]))
NOT_NEGATIVE = number(minimum=0)
POSITIVE = number(minimum=1)
BOOST = NOT_NEGATIVE
