"""Which keys, fields and kinds of values a body may have at each place, for one mapping.

    language = Language(fields, limits, items)
    language.body.keys                                   {"query:": "query", "size:": "size", …}
    query = language.body.child("query", {}); query.child("term", {}).keys
                                                         {0: "host.name", 3: "user.id", …}: fields that fit term

A `Node` follows the schema and the guard's tables at the same time: a key is there if both know it. Fields are there if
`mapping.check` has no error for them, with the nested path around the place. Nodes are made on first use and kept.
Not included, although the guard allows them: shapes, objects with free names (composite, adjacency_matrix),
extended_bounds, and collapse and search_after, which depend on documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from dstill.api.form import Token
from dstill.linked import Item
from dstill_querydsl.form.places import Place, below
from dstill_querydsl.form.tokens import LEVELS, tokens
from dstill_querydsl.language import guard, schema
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import ValueGuard, kinds
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.kinds import Capped, Kind, ListOf, MapOf, Options
from dstill_querydsl.language.guard.kinds import Fields as FieldKeys
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.queries import INTERVALS, QUERIES
from dstill_querydsl.language.guard.ranges import Bounds
from dstill_querydsl.language.guard.tables import BODY, GEO_SORT, HIGHLIGHTS, SORT_OPTIONS
from dstill_querydsl.language.mapping.check import check, problems_of
from dstill_querydsl.language.mapping.uses import Use, uses
from dstill_querydsl.language.query_forms import FIELDED
from dstill_querydsl.language.schema import rules

__all__ = ["AGGREGATION", "ANY", "SPANS", "Language", "Node", "Step"]

# Kinds of places besides the guard's.
AGGREGATION, _DIRECTION, MISSING = "aggregation", "direction", "missing"
_LEFT_OUT = ("aggregations", "search_after", "collapse")  # another spelling; of the page before; of documents
SPANS = frozenset(name for name in QUERIES if name.startswith("span_") or name == "field_masking_span")
_NO_KEYS = ("cutoff_frequency", "extended_bounds")  # Elasticsearch 8 has it no more; the guard needs to know the dates
_BODY = Options({name: kind for name, kind in BODY.items() if name not in _LEFT_OUT})
_NESTED_SORT = Options({"path": kinds.FIELD, "filter": kinds.QUERY})
_INSIDE: dict[str, Kind] = {  # the object that stands for a kind of the guard
    kinds.POINT: Options(kinds.values("lat", "lon")),
    kinds.SOURCE: Options({"includes": kinds.NAMES, "excludes": kinds.NAMES}),
    kinds.DOCUMENT_FIELDS: Options({"field": kinds.FIELD, "format": kinds.VALUE}),
    kinds.HIGHLIGHT: Options({**HIGHLIGHTS, "fields": FieldKeys(kinds.VALUE, HIGHLIGHTS)}),
    kinds.INTERVAL: Options(INTERVALS),
    kinds.SORT: FieldKeys(
        _DIRECTION,
        {**SORT_OPTIONS, "nested": _NESTED_SORT},
        {
            "_score": Options({"order": kinds.VALUE}),
            "_doc": Options({"order": kinds.VALUE}),
            "_geo_distance": FieldKeys(kinds.POINT, options={**GEO_SORT, "nested": _NESTED_SORT}),
        },
    ),
}
_QUERIES = Options(QUERIES)
_AGGREGATIONS = Options({**AGGREGATIONS, "aggs": kinds.AGGREGATIONS_})
_ITEM: dict[str, Kind] = {  # the items of a list that stands for a kind of the guard
    kinds.VALUES: kinds.VALUE,
    kinds.QUERIES_: kinds.QUERY,
    kinds.FILTERS: kinds.QUERY,
    kinds.NAMES: kinds.FIELD,
    kinds.SOURCE: kinds.FIELD,
    kinds.DOCUMENT_FIELDS: kinds.FIELD,
    kinds.SORT: kinds.SORT,
    kinds.ORDER: kinds.ORDER,
    kinds.TERM_FILTER: kinds.VALUE,
    MISSING: MISSING,
}
_NO_SCALARS = {kinds.QUERY, kinds.QUERIES_, kinds.FILTERS, kinds.AGGREGATIONS_, kinds.SORT, kinds.ORDER, kinds.POINT,
               kinds.SHAPE, kinds.HIGHLIGHT, kinds.INTERVAL, kinds.DOCUMENT_FIELDS, kinds.NAMES,
               AGGREGATION}  # fmt: skip
_SCALARS = frozenset(("string", "number", "boolean", "null"))
_TYPES = _SCALARS | {"object", "array"}
ANY: dict[str, Any] = {}  # the schema of any value
_TEXTS = {"type": "array", "items": {"type": "string"}}
_LONGEST = 3  # steps to intervals on a field; the rules inside change nothing
_PROBE = "\x00"  # stands for a field or a value
_BESIDE = ("type", "format", "lenient")  # options that decide how a value of the same object is read
# Keys whose value must fit the value of another key, which comes first.
_DECIDED_BY = {"include": ("field",), "exclude": ("field",), "fields": ("query",)}

Step = tuple[str, tuple[tuple[str, Any], ...]]  # a key, and options beside it
Root = tuple[str, str | None]  # query, aggregation or body, and the nested path around it


class Language:
    """The places that bodies about one mapping may have. `items`: as a reading has them, in any order."""

    def __init__(
        self, fields: Fields, limits: Limits, ranges: Bounds, items: Sequence[Item], dialect: str = "elasticsearch9"
    ) -> None:
        self.fields, self.limits, self.ranges, self.items = fields, limits, ranges, items
        self.definitions: Mapping[str, Any] = schema.document(dialect)["$defs"]
        self.guard = ValueGuard(limits)
        self.known = frozenset(tokens())
        self.leaves = frozenset(self.definitions["aggregation"]["dependentSchemas"]["aggs"]["properties"])
        self._nodes: dict[Any, Node] = {}
        self._fitting: dict[Any, frozenset[str]] = {}
        self.specs: dict[Any, Any] = {}  # of `allowed_values`
        self.body = self.node(self.definitions["body"], _BODY, "", Place.BODY, "", (("body", None),))
        self.missing = self.node(_TEXTS, MISSING, "missing", Place.OPTIONS, "", (("body", None),))

    def node(self, schema_: Any, kind: Kind, key: str, place: Place, field: str, chain: tuple[Any, ...]) -> Node:
        """The node of a place; always the same for the same place."""
        at = (id(schema_), kind if isinstance(kind, str) else id(kind), key, place, field, chain)
        node = self._nodes.get(at)
        if node is None:
            node = self._nodes[at] = Node(self, schema_, kind, key, place, field, chain)
        return node

    def passes(self, body: dict[str, Any]) -> bool:
        """Whether a body whose form the schema accepts passes the other checks."""
        return not (
            any(rules.check(body))
            or any(problem.is_error for problem in check(body, self.fields))
            or guard.check(body, self.limits, self.ranges)
        )

    def fitting(self, chain: tuple[Any, ...], *, as_key: bool, path: bool = False) -> frozenset[str]:
        """Fields that fit where `chain` leads, as the key or as the value of its last step."""
        at = (chain, as_key)
        if at not in self._fitting:
            body = _skeleton((*chain, (_PROBE, ())) if as_key else chain, {} if as_key else _PROBE)
            probes = [use for use in uses(body) if use.name == _PROBE]
            alike = [names for names in self._alike if self._fits(names[0], probes, path)]
            self._fitting[at] = frozenset(name for names in alike for name in names)
        return self._fitting[at]

    @cached_property
    def _alike(self) -> list[list[str]]:
        """The fields that may be read, in groups that differ in nothing that `problems_of` asks for but the name."""
        groups: dict[tuple[Any, ...], list[str]] = {}
        for item in self.items:
            field = self.fields.get(item.name)
            if field is not None and not self.guard.refuses(kinds.FIELD, item.name):
                options = repr(
                    {key: value for key, value in field.options.items() if key not in ("properties", "fields")}
                )
                groups.setdefault((field.type, field.nested, options, item.name.startswith("_")), []).append(item.name)
        return list(groups.values())

    def _fits(self, name: str, probes: Sequence[Use], path: bool) -> bool:
        field = self.fields.get(name)
        assert field is not None  # as `_alike` has only fields
        for use in probes:
            # A sort says the nested path of its field after the field.
            nested = field.nested[-1] if use.kind == "sort" and field.nested else use.nested
            if any(problem.is_error for problem in problems_of(replace(use, name=name, nested=nested), self.fields)):
                return False
        return not path or field.type == "nested"

    def span_fields(self, nested: str | None) -> frozenset[str]:
        """Fields that span queries can be about. They hold each other, and the innermost one names a field."""
        return self.fitting((("query", nested), ("span_term", ())), as_key=True)

    def is_wrong(self, chain: tuple[Any, ...], value: Any) -> bool:
        """Whether the mapping refuses a value where `chain` leads."""
        probes = uses(_skeleton(chain, value))
        return any(problem.code == "wrong_value" for use in probes for problem in problems_of(use, self.fields))

    def uses_of_value(self, chain: tuple[Any, ...]) -> list[Use]:
        """The uses of fields whose values the last step of `chain` says."""
        return [use for use in uses(_skeleton(chain, _PROBE)) if _PROBE in use.values]


def _skeleton(chain: tuple[Any, ...], leaf: Any) -> dict[str, Any]:
    """The smallest body in which the place of `chain` is."""
    (root, nested), *steps = chain
    value = leaf
    for step, beside in reversed(steps):
        value = [value] if step == "[" else {**dict(beside), step: value}
    if root == "query":
        return {"query": {"nested": {"path": nested, "query": value}} if nested else value}
    if root == "aggregation":
        inner = {"aggs": {"a": value}}
        return {"aggs": {"n": {"nested": {"path": nested}, **inner}}} if nested else inner
    return value if isinstance(value, dict) else {}


class Node:
    """One place of a body."""

    def __init__(
        self, language: Language, schema_: Any, kind: Kind, key: str, place: Place, field: str, chain: tuple[Any, ...]
    ) -> None:
        self.language, self.kind, self.key, self.place = language, kind, key, place
        self.field, self.chain = field, chain
        self.nested: str | None = chain[0][1]
        self.schema = self._resolved(schema_)
        self.choices: dict[Any, tuple[Token, ...]] = {}  # keys that are there → keys that may come
        self._children: dict[Any, Node] = {}
        self._checking = False

    def _resolved(self, schema_: Any) -> Mapping[str, Any]:
        while "$ref" in schema_:
            schema_ = self.language.definitions[schema_["$ref"].rpartition("/")[2]]
        resolved: Mapping[str, Any] = schema_
        return resolved

    @cached_property
    def types(self) -> frozenset[str]:
        """JSON types of the schema."""
        named = self.schema.get("type", _TYPES)
        return frozenset((named,)) if isinstance(named, str) else frozenset(named)

    # --- which forms a value may have -----------------------------------------------------

    @cached_property
    def is_object(self) -> bool:
        """Whether an object may stand here, with at least one way to complete it."""
        if self._checking or self.kind == kinds.INTERVAL:
            return True  # it holds itself; an interval names no field that may be missing
        self._checking = True
        possible = "object" in self.types and self.inside is not None and self.is_alive(frozenset(self.keys.values()))
        self._checking = False
        return possible

    @cached_property
    def is_list(self) -> bool:
        """Whether a list may stand here."""
        return "array" in self.types and self.item is not None and self.item.is_possible

    @cached_property
    def is_scalar(self) -> bool:
        """Whether a text, a number, true, false or null may stand here."""
        kind = self.kind
        if isinstance(kind, Options | FieldKeys | MapOf | ListOf) or kind in _NO_SCALARS:
            return False
        if kind == kinds.FIELD:
            return False
        if kind == kinds.TERM_FILTER and self.language.is_wrong(self.chain, "a"):
            return False  # a regular expression
        return bool(self.types & _SCALARS)

    @cached_property
    def pointers(self) -> frozenset[str]:
        """Fields that may stand here as the value."""
        if self.kind == MISSING:
            return frozenset(item.name for item in self.language.items)
        if self.kind not in (kinds.FIELD, kinds.SOURCE) or "string" not in self.types:
            return frozenset()
        path = self.key == "path"
        names = self.language.fitting(self.chain, as_key=False, path=path)
        if path and self.nested is not None:
            get = self.language.fields.get
            names = frozenset(name for name in names if (field := get(name)) and self.nested in field.nested)
        if path and self._field_path is not None:
            names &= {self._field_path}
        return names

    @cached_property
    def is_possible(self) -> bool:
        """Whether any value may stand here."""
        return self.is_scalar or bool(self.pointers) or self.is_object or self.is_list

    # --- objects ----------------------------------------------------------------------------

    @cached_property
    def inside(self) -> Kind | None:
        """The guard's kind of an object here. None: no object."""
        if isinstance(self.kind, Options | FieldKeys):
            return self.kind
        if isinstance(self.kind, ListOf):
            return self.kind.item if isinstance(self.kind.item, Options) else None
        if self.kind in (kinds.QUERY, kinds.QUERIES_):
            return _QUERIES if self.kind == kinds.QUERY or "array" not in self.types else None
        if self.kind == AGGREGATION:
            return _AGGREGATIONS
        if self.kind in (kinds.AGGREGATIONS_, kinds.ORDER):
            return kinds.ORDER if "array" not in self.types or self.kind != kinds.ORDER else None
        return _INSIDE.get(str(self.kind)) if not isinstance(self.kind, Capped | MapOf) else None

    @property
    def has_fields(self) -> bool:
        """Whether the keys of an object here are fields, which may be called as keys of the schema are."""
        return isinstance(self.inside, FieldKeys)

    @cached_property
    def object_schema(self) -> Mapping[str, Any]:
        """The schema of an object here."""
        return self._resolved(self.schema["then"]) if "then" in self.schema else self.schema

    @cached_property
    def keys(self) -> dict[Token, str]:
        """Token → key, of every key that an object here may have. Fields are their number among the items."""
        inside, properties = self.inside, self.object_schema.get("properties", {})
        keys: dict[Token, str] = {}
        if self.kind == kinds.AGGREGATIONS_:
            return {token: f"a{token[1:]}" for token in LEVELS}
        if self.kind == kinds.ORDER:
            return {**{token: f"a{token[1:]}" for token in LEVELS[:3]}, "_count:": "_count", "_key:": "_key"}
        if isinstance(inside, FieldKeys):
            fitting = self.language.fitting(self.chain, as_key=True)
            fitting -= set(inside.options)
            if any(self.child(name, {}).is_possible for name in sorted(fitting)[:1]):
                keys |= {number: item.name for number, item in enumerate(self.language.items) if item.name in fitting}
            names: Mapping[str, Kind] = inside.options
        else:
            names = inside.names if isinstance(inside, Options) else {}
        for name in names:
            if name not in properties or f"{name}:" not in self.language.known or name in _NO_KEYS:
                continue
            if (name == "reverse_nested" and self.nested is None) or (
                name == "nested" and self._field_path is None and self.field
            ):
                continue
            if name in SPANS and not self.language.span_fields(self.nested):
                continue
            if self.child(name, {}, self.field).is_possible:
                keys[f"{name}:"] = name
        return keys

    @cached_property
    def fields(self) -> frozenset[str]:
        """Of `keys`, the fields."""
        return frozenset(key for token, key in self.keys.items() if isinstance(token, int))

    @cached_property
    def options(self) -> dict[str, str]:
        """Of `keys`, the others."""
        return {token: key for token, key in self.keys.items() if isinstance(token, str)}

    def child(self, key: str, there: Mapping[str, Any], field: str = "") -> Node:
        """The node of the value of `key`, in an object that has the keys `there` and is about `field`."""
        beside: tuple[tuple[str, Any], ...] = ()
        if there:
            named = (*_BESIDE, *_DECIDED_BY.get(key, ()))
            beside = tuple((name, there[name]) for name in named if isinstance(there.get(name), (str, int, float)))
        nested = self._nested_below(key, there)
        at = (key, field, beside, nested)
        child = self._children.get(at)
        if child is None:
            child = self._children[at] = self._child(key, field, beside, nested)
        return child

    def _child(self, key: str, field: str, beside: tuple[tuple[str, Any], ...], nested: str | None) -> Node:
        schema_ = self.object_schema.get("properties", {}).get(key, self.object_schema.get("additionalProperties"))
        kind, is_field = self._kind_of(key)
        if is_field or not field:
            field = key if is_field else self.field
        place = below(self.place, key)
        chain: tuple[Any, ...] = (*self.chain, (key, beside))[: _LONGEST if self._is_interval else None]
        if self.kind == kinds.AGGREGATIONS_:
            chain = (("aggregation", self.nested),)
        elif kind in (kinds.QUERY, kinds.QUERIES_, kinds.FILTERS):
            chain = (("query", nested),)
        elif kind == kinds.AGGREGATIONS_:
            chain = (("aggregation", nested),)
        return self.language.node(schema_ if isinstance(schema_, Mapping) else ANY, kind, key, place, field, chain)

    def _nested_below(self, key: str, there: Mapping[str, Any]) -> str | None:
        """The nested path around what `key` holds."""
        if key in ("query", "filter") and isinstance(there.get("path"), str):
            return str(there["path"])
        if key == "aggs" and self.kind == AGGREGATION:
            for name in ("nested", "reverse_nested", "global"):
                if name in there:
                    return there[name].get("path") if isinstance(there[name], Mapping) else None
        return self.nested

    @property
    def _is_interval(self) -> bool:
        return len(self.chain) > 1 and self.chain[1][0] == "intervals"

    def _kind_of(self, key: str) -> tuple[Kind, bool]:
        """The guard's kind of the value of `key`, and whether `key` is a field."""
        inside = self.inside
        if self.kind == kinds.AGGREGATIONS_:
            return AGGREGATION, False
        if self.kind == kinds.ORDER:
            return _DIRECTION, False
        if isinstance(inside, Options):
            return inside.names[key], False
        assert isinstance(inside, FieldKeys)
        if key in inside.options and key in self.object_schema.get("properties", {}):
            return inside.options[key], False
        schema_ = self.object_schema.get("additionalProperties")
        resolved = self._resolved(schema_) if isinstance(schema_, Mapping) else ANY
        if (
            inside.long
            and "object" in _types(resolved)
            and (FIELDED.get(self.key) != "" or "array" not in _types(resolved))
        ):
            return self.language_options(inside), True
        return inside.entry, True

    def language_options(self, inside: FieldKeys) -> Options:
        """The long form of the value of a field; always the same object, as nodes are kept by it."""
        return _LONG.setdefault(id(inside), (inside, Options(inside.long)))[1]

    @cached_property
    def besides(self) -> frozenset[str] | None:
        """Keys besides which exactly one other stands; None: there is no such rule."""
        named = self.object_schema.get("x-one")
        return None if named is None else frozenset(named)

    @cached_property
    def required(self) -> tuple[tuple[str, ...], ...]:
        """Groups of keys, of each of which one must be there."""
        groups = [(name,) for name in self.object_schema.get("required", ())]
        groups += [(name,) for name in (self.inside.required if isinstance(self.inside, Options) else ())]
        for entry in (*self.object_schema.get("allOf", ()), self.object_schema):
            if "anyOf" in entry:
                groups.append(tuple(name for part in entry["anyOf"] for name in part.get("required", ())))
        if self._sorts_nested:
            groups.append(("nested",))
        return tuple(dict.fromkeys(groups))

    @cached_property
    def _field_path(self) -> str | None:
        """The nested path around the field that this is about."""
        field = self.language.fields.get(self.field) if self.field else None
        return field.nested[-1] if field and field.nested else None

    @cached_property
    def _sorts_nested(self) -> bool:
        """Whether these are the options of a sort by a nested field."""
        is_sort = isinstance(self.kind, Options) and "nested" in self.kind.names and "missing" in self.kind.names
        return is_sort and self._field_path is not None

    @cached_property
    def excluded(self) -> Mapping[str, frozenset[str]]:
        """Key → keys that exclude it."""
        pairs: dict[str, set[str]] = {}
        for key, rule in self.object_schema.get("dependentSchemas", {}).items():
            for other, of in rule.get("properties", {}).items():
                if of == {"not": {}}:
                    pairs.setdefault(key, set()).add(other)
                    pairs.setdefault(other, set()).add(key)
        return {key: frozenset(others) for key, others in pairs.items()}

    @cached_property
    def bounds(self) -> tuple[int, int | None]:
        """The fewest and the most keys."""
        least: int = self.object_schema.get("minProperties", 0)
        most: int | None = self.object_schema.get("maxProperties")
        if self.kind in (kinds.AGGREGATIONS_, kinds.SORT, kinds.ORDER) or self._one_field:
            least = max(least, 1)
        if self.kind in (kinds.SORT, kinds.ORDER):
            most = 1
        return least, most

    @cached_property
    def _one_field(self) -> bool:
        return isinstance(self.inside, FieldKeys) and self.besides is not None

    def may_close(self, there: Mapping[str, Any]) -> bool:
        """Whether an object with these keys may end."""
        if len(there) < self.bounds[0] or not all(any(key in there for key in group) for group in self.required):
            return False
        for key, others in self.object_schema.get("dependentRequired", {}).items():
            if key in there and not all(other in there for other in others):
                return False
        return self.besides is None or sum(key not in self.besides for key in there) == 1

    def may_follow(self, there: Mapping[str, Any]) -> tuple[Token, ...]:
        """Keys that may come after those that are there."""
        at = tuple(there) if self.kind not in (kinds.AGGREGATIONS_,) else len(there)
        choices = self.choices.get(at)
        if choices is None:
            choices = self.choices[at] = tuple(self._follow(there))
        return choices

    def _follow(self, there: Mapping[str, Any]) -> Iterator[Token]:
        if self.kind == kinds.AGGREGATIONS_:
            yield from LEVELS[len(there) : len(there) + 1]
            return
        if self.bounds[1] is not None and len(there) >= self.bounds[1]:
            return
        shut = frozenset[str]().union(*(self.excluded.get(key, frozenset()) for key in there))
        besides = self.besides
        full = besides is not None and any(key not in besides for key in there)
        for token, key in self.keys.items():
            if key not in there and key not in shut and not (full and besides is not None and key not in besides):
                # Only now is it known of keys that hold themselves whether they are possible.
                is_possible = isinstance(token, int) or token[0] == "#" or self.child(key, {}, self.field).is_possible
                if is_possible and not self.waits(key, there):
                    yield token

    def waits(self, key: str, there: Mapping[str, Any]) -> bool:
        """Whether `key` must come after another one, which decides what it may have."""
        if self.has_fields:
            return False
        if key in ("query", "filter") and "path" in self.keys.values():
            return "path" not in there
        if any(first in self.keys.values() and first not in there for first in _DECIDED_BY.get(key, ())):
            return True
        return self.kind == AGGREGATION and key == "aggs" and not there

    def is_alive(self, names: frozenset[str]) -> bool:
        """Whether an object that can have the keys `names` can be completed."""
        if self.kind in (kinds.QUERY, kinds.QUERIES_, kinds.AGGREGATIONS_, AGGREGATION, kinds.ORDER):
            return bool(names)
        if not all(names.intersection(group) for group in self.required) or len(names) < self.bounds[0]:
            return False
        return self.besides is None or bool(names - self.besides)

    # --- lists ------------------------------------------------------------------------------

    @cached_property
    def item(self) -> Node | None:
        """The node of the items of a list here. None: no list."""
        if isinstance(self.kind, ListOf):
            kind: Kind = self.kind.item
        elif isinstance(self.kind, str) and self.kind in _ITEM:
            kind = _ITEM[self.kind]
        else:
            return None
        schema_ = self.schema.get("items", ANY)
        chain = self.chain if self._is_interval else (*self.chain, ("[", ()))
        if kind == kinds.QUERY:
            chain = (("query", self.nested),)
        return self.language.node(schema_, kind, self.key, self.place, self.field, chain)


_LONG: dict[int, tuple[FieldKeys, Options]] = {}


def _types(schema_: Mapping[str, Any]) -> frozenset[str]:
    named = schema_.get("type", _TYPES)
    return frozenset((named,)) if isinstance(named, str) else frozenset(named)
