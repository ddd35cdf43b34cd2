"""The pieces that the tables of `schema_forms` are made of.

closed("slice", ("max",), id=NUMBER, max=NUMBER)   an object with these keys, of which max must stand
Table().add("query.range", Form(value=…))          how one place differs from the typed class
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from dstill_querydsl.schema_shapes import Schema, Shape, array, boolean, literals, number, obj, text, union

__all__ = [
    "BOOLEAN", "LOOSE", "LOOSE_TEXTS", "NOT_NEGATIVE", "NUMBER", "ORDER", "QUERIES", "QUERY", "SCALAR", "TEXT", "TEXTS",
    "Form", "Table", "closed", "ref",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Form:
    """How one place differs from its typed class."""

    properties: Mapping[str, Shape] = field(default_factory=dict)  # added or replaced
    drop: frozenset[str] = frozenset()  # in the class, but not in the parser
    required: tuple[str, ...] | None = None  # instead of what the class's text calls required
    one_of: tuple[tuple[str, ...], ...] = ()  # of each group at least one
    one_key: bool = False  # exactly one key beside boost and _name
    value: Shape | None = None  # of a field's entry, instead of the class's
    short: Shape | None = None  # of a field's entry, beside the class's
    loose: bool | None = None  # whether the parser is loose about text; None: queries are, the rest is not
    several: bool = False  # several fields may stand side by side
    apart: tuple[tuple[str, ...], ...] = ()  # where the first of a group stands, the others may not


class Table(dict[str, Form]):
    """Forms by place; see `schema_forms` for what places are called."""

    def add(self, place: str, form: Form) -> None:
        """A form for a place, beside what is already said of it."""
        known = self.get(place, Form())
        properties = {**known.properties, **form.properties}
        self[place] = replace(form, properties=properties, one_of=form.one_of or known.one_of)


def ref(name: str) -> Shape:
    return obj({"$ref": f"#/$defs/{name}"})


def closed(what: str, required: tuple[str, ...] = (), /, **properties: Shape) -> Shape:
    """An object with these keys and no other; ``from_`` stands for ``from``."""
    rendered = {name.rstrip("_"): shape.render() for name, shape in properties.items()}
    schema: Schema = {"type": "object", "x-what": what, "properties": rendered, "additionalProperties": False}
    return obj(schema | ({"required": list(required)} if required else {}))


TEXT = text(loose=False)
LOOSE = text(loose=True)
TEXTS = array(TEXT)
LOOSE_TEXTS = array(LOOSE)
NUMBER = number()
BOOLEAN = boolean()
QUERY = ref("query")
QUERIES = union(array(QUERY), QUERY)
SCALAR = LOOSE
ORDER = literals(["asc", "desc", "ASC", "DESC"])
NOT_NEGATIVE = number(minimum=0)
