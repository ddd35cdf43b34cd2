"""Derives the JSON Schema (Draft 2020-12) of a ``_search`` body from the installed client.

In: a dialect. Out: a plain dict, always the same for the same client:

    derive("elasticsearch9")["$defs"]["query"]["properties"].keys()   -> 61 names and their other spellings

Each query and aggregation is one entry of ``$defs``. A query container selects its query by key, without ``anyOf``.
Two keywords are dstill's own; other readers of the schema ignore them:

    x-one: [names]    exactly one key besides these
    x-what: "match"   the name of an object in messages
"""

from __future__ import annotations

import re
import typing
from typing import Any

from dstill_querydsl.language.schema import forms_names, types
from dstill_querydsl.language.schema.forms import forms
from dstill_querydsl.language.schema.forms_queries import COORDINATES
from dstill_querydsl.language.schema.forms_scores import score_function
from dstill_querydsl.language.schema.parts import Form
from dstill_querydsl.language.schema.shapes import JsonSchema, Shape, any_way, obj, union
from dstill_querydsl.language.schema.types import Argument, TypeReader

__all__ = ["derive"]

# Other spellings that the parsers accept.
_ALIASES = {"span_field_masking": "field_masking_span"}
# Names that the client knows but a dialect's parser no longer accepts.
_REMOVED_QUERIES = {"elasticsearch9": {"common", "type"}, "elasticsearch8": {"common", "type"}}
_REMOVED_AGGREGATIONS = {"elasticsearch9": {"moving_avg"}, "elasticsearch8": {"moving_avg"}}

_SPANS = "query.span_"


def derive(dialect: str) -> JsonSchema:
    """The schema for one dialect of `schema.forms`. Takes one or two seconds, because it imports the client."""
    return _Derivation(dialect).document()


class _Derivation:
    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._forms = forms(dialect)
        self._defs: dict[str, JsonSchema] = {}
        self._reader = TypeReader(self._define)

    def document(self) -> JsonSchema:
        self._defs["script"] = self._script()
        self._queries()
        self._aggregations()
        self._body()
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"search body, {self._dialect}",
            "$ref": "#/$defs/body",
            "$defs": dict(sorted(self._defs.items())),
        }

    # --- queries ------------------------------------------------------------------------

    def _queries(self) -> None:
        removed = _REMOVED_QUERIES.get(self._dialect, set())
        classes = {name: cls for name, cls in types.queries().items() if name not in removed}
        for name, cls in classes.items():
            self._defs[f"query.{name}"] = self._schema(f"query.{name}", name, types.arguments(cls), loose=True)
        spellings = {spelling: f"query.{name}" for spelling, name in _with_aliases(classes).items()}
        self._defs["query"] = _container("query", spellings)
        spans = {name: key for name, key in spellings.items() if key.startswith(_SPANS)}
        self._defs["span"] = _container("span query", spans)
        self._defs["span"]["properties"]["span_gap"] = {"type": "object"}
        self._defs["coordinates"] = COORDINATES
        self._defs["score_function"] = score_function(list(types.score_functions()))
        self._defs["terms_lookup"] = self._define((types.typed("TermsLookup"),), True, inline=True)

    # --- aggregations -------------------------------------------------------------------

    def _aggregations(self) -> None:
        removed = _REMOVED_AGGREGATIONS.get(self._dialect, set())
        classes = {name: cls for name, cls in types.aggregations().items() if name not in removed}
        for name, cls in classes.items():
            self._defs[f"agg.{name}"] = self._schema(f"agg.{name}", name, types.arguments(cls), loose=False)
        leaves: dict[str, JsonSchema] = {name: {"not": {}} for name, cls in classes.items() if not types.is_bucket(cls)}
        self._defs["agg.filter"] = {"$ref": "#/$defs/query"}
        self._defs["aggregation"] = self._aggregation(list(classes), leaves)
        valid = {"pattern": r"^[^\[\]>]+$", "title": "a name without [, ] and >"}
        named = {"type": "object", "propertyNames": valid, "additionalProperties": {"$ref": "#/$defs/aggregation"}}
        self._defs["aggregations"] = named
        self._composite_sources(classes)

    def _aggregation(self, names: list[str], leaves: dict[str, JsonSchema]) -> JsonSchema:
        below = {"$ref": "#/$defs/aggregations"}
        siblings = {"aggs": below, "aggregations": below, "meta": {"type": "object"}}
        no_leaf = {"properties": leaves, "x-what": "sub-aggregations"}
        return {
            "type": "object",
            "x-what": "aggregation",
            "x-one": list(siblings),
            "properties": {**{name: {"$ref": f"#/$defs/agg.{name}"} for name in names}, **siblings},
            "additionalProperties": False,
            "dependentSchemas": {"aggs": no_leaf, "aggregations": no_leaf},
        }

    def _composite_sources(self, classes: dict[str, type]) -> None:
        names = [place.removeprefix("source.") for place in self._forms if place.startswith("source.")]
        for name in names:
            arguments = types.arguments(classes[name])
            self._defs[f"source.{name}"] = self._schema(f"source.{name}", name, arguments, loose=False)
        self._defs["composite_source"] = _container("composite source", {name: f"source.{name}" for name in names})

    # --- body ---------------------------------------------------------------------------

    def _body(self) -> None:
        arguments = types.arguments(types.typed("InnerHits"))
        for name in ("FieldAndFormat", "HighlightField"):
            self._define((types.typed(name),), False)
        self._defs["body"] = self._schema("body", "search body", arguments, loose=False)

    def _script(self) -> JsonSchema:
        script = self._define((types.typed("Script"),), False)
        return union(Shape(kinds=frozenset({"string"})), obj(script)).render()

    # --- objects ------------------------------------------------------------------------

    def _define(self, classes: tuple[type, ...], loose: bool, inline: bool = False) -> JsonSchema:
        """A reference to the schema of objects that any of `classes` accepts."""
        names = [cls.__name__ for cls in map(_origin, classes)]
        if names == ["SpanQuery"]:
            return {"$ref": "#/$defs/span"}
        if names == ["Script"] and "script" in self._defs:
            return {"$ref": "#/$defs/script"}
        key = "type." + "|".join(names)
        own = self._forms.get(key, Form()).loose
        loose = loose if own is None else own
        key += ":loose" if loose else ""
        if key not in self._defs:
            self._defs[key] = {}  # a type may contain itself
            place = key.removesuffix(":loose")
            self._defs[key] = self._schema(place, _kind_of(names[0]), _together(classes), loose)
        return self._defs[key] if inline else {"$ref": f"#/$defs/{key}"}

    def _schema(self, place: str, kind: str, arguments: dict[str, Argument], loose: bool) -> JsonSchema:
        form = self._forms.get(place, Form())
        loose = loose if form.loose is None else form.loose
        plain = {n: a for n, a in arguments.items() if n not in ("_field", "_value") and form.accepts(n)}
        shapes = {n: self._argument(n, a, loose) for n, a in plain.items()} | dict(form.properties)
        required = form.required if form.required is not None else tuple(n for n, a in plain.items() if a.required)
        schema: JsonSchema = {
            "type": "object",
            "x-what": kind,
            "properties": {name: shape.render() for name, shape in shapes.items()},
            "additionalProperties": False,
        }
        if required:
            schema["required"] = list(required)
        if form.one_of:
            schema["allOf"] = [{"anyOf": [{"required": [name]} for name in group]} for group in form.one_of]
        if form.one_key:
            schema["x-one"] = ["boost", "_name"]
        if form.needs:
            schema["dependentRequired"] = {key: list(others) for key, others in form.needs.items()}
        if form.apart:
            schema["dependentSchemas"] = {
                key: {"properties": {other: {"not": {}} for other in others}} for key, *others in form.apart
            }
        if "_field" in arguments:
            schema["additionalProperties"] = self._entry(form, arguments["_value"], loose).render()
            if not form.several:
                schema["x-one"] = list(shapes)
        return schema

    def _argument(self, name: str, argument: Argument, loose: bool) -> Shape:
        shape = forms_names.shape_of(name) or self._reader.shape(argument.hint, loose)
        return any_way(shape) if name in forms_names.ANY_WAY else shape

    def _entry(self, form: Form, value: Argument, loose: bool) -> Shape:
        """The value of a field: the long form, and the short form where there is one."""
        if form.value is not None:
            return form.value
        long = self._reader.shape(value.hint, loose)
        short = form.short or self._short(value.hint, loose)
        return union(long, short) if short else long

    def _short(self, hint: Any, loose: bool) -> Shape | None:
        """The short form of a class that requires a ``query`` or ``value``: that value alone."""
        for cls in types.classes_of(hint):
            arguments = types.arguments(cls)
            for name in ("query", "value"):
                if name in arguments and arguments[name].required:
                    form = self._forms.get(f"type.{cls.__name__}", Form())
                    return form.properties.get(name) or self._reader.shape(arguments[name].hint, loose)
        return None


def _kind_of(class_name: str) -> str:
    """``MatchPhraseQuery`` → ``match_phrase``, the name for messages."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name.removesuffix("Query").removesuffix("Container")).lower()


def _origin(cls: Any) -> type:
    origin: type = typing.get_origin(cls) or cls
    return origin


def _together(classes: tuple[type, ...]) -> dict[str, Argument]:
    """The arguments of several classes; an argument is required if all of them require it."""
    each = [types.arguments(_origin(cls)) for cls in classes]
    out: dict[str, Argument] = {}
    for arguments in each:
        for name, argument in arguments.items():
            required = all(name in other and other[name].required for other in each)
            out.setdefault(name, Argument(argument.hint, required))
    return out


def _with_aliases(names: dict[str, type]) -> dict[str, str]:
    return {spelling: name for name in names for spelling in (name, _ALIASES.get(name)) if spelling}


def _container(kind: str, entries: dict[str, str]) -> JsonSchema:
    """An object with exactly one key, which names the kind of its value."""
    return {
        "type": "object",
        "x-what": kind,
        "x-one": [],
        "properties": {name: {"$ref": f"#/$defs/{key}"} for name, key in entries.items()},
        "additionalProperties": False,
    }
