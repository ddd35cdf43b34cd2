"""A place in a body that is being written, and the tokens that may come there.

    cursor = start(language, reading)
    cursor.allowed()                                 {"{", "refuse"}
    cursor.push("{").push("query:").allowed()        {"{"}

What can be written passes the schema, the mapping and the guard: keys, fields and values by `allowed_places` and
`allowed_values`, and an answer may end only if the whole body passes all three. A cursor never changes: several may go
on from one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any

from dstill.api.form import Cursor, Token
from dstill.linked import Reading, partial_values
from dstill.linked.scalars import as_span
from dstill_querydsl.form.allowed_places import AGGREGATION, SPANS, Language, Node
from dstill_querydsl.form.allowed_values import NO_VALUE, PlaceValues, spec_of
from dstill_querydsl.form.tokens import JOIN, tokens
from dstill_querydsl.language import guard
from dstill_querydsl.language.guard import kinds
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.kinds import Options
from dstill_querydsl.language.query_forms import FIELD_LIST, FIELD_OPTION, FIELDED, PLACES
from dstill_querydsl.language.schema import rules

__all__ = ["BodyCursor", "start"]

_DEPTH_LIMIT = 10  # brackets, inside which no query with queries inside it begins
_LEAVES = {*FIELDED, *PLACES, *FIELD_OPTION, *FIELD_LIST, "match_all", "match_none", "ids"}
_LEAVES -= {"field_masking_span", "span_field_masking"}
_RECURSIVE = {"any_of:", "all_of:", "filter:"}  # of intervals
_PATHS = ("buckets_path",)  # their values name aggregations
_PIPELINES = {
    f"{name}:" for name, kind in AGGREGATIONS.items() if isinstance(kind, Options) and "buckets_path" in kind.names
}
_PIPELINES.add("bucket_sort:")


class _State(Enum):
    START = 0
    VALUE = 1  # a value must come
    SCALAR = 2  # a value that may go on
    OBJECT = 3  # a key or "}"
    LIST = 4  # an item or "]"
    REFUSED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """An object or a list that is not closed yet."""

    node: Node
    value: Any  # what is there so far
    parent: _Frame | None
    key: str = ""  # of the parent
    field: str = ""  # that the values are of
    depth: int = 1
    bools: int = 0
    levels: int = 0  # of aggregations
    outer: bool = True  # whether everything around it may close after it

    def added(self, key: str, value: Any) -> _Frame:
        """This with one more value."""
        if isinstance(self.value, list):
            return self._with([*self.value, value], self.field)
        field = value if key == "field" and isinstance(value, str) else self.field
        return self._with({**self.value, key: value}, field)

    def _with(self, value: Any, field: str) -> _Frame:
        return _Frame(  # `dataclasses.replace` takes three times as long
            node=self.node,
            value=value,
            parent=self.parent,
            key=self.key,
            field=field,
            depth=self.depth,
            bools=self.bools,
            levels=self.levels,
            outer=self.outer,
        )

    def may_close(self) -> bool:
        if isinstance(self.value, list):
            least: int = self.node.schema.get("minItems", 1)
            return len(self.value) >= max(1, least)
        return self.node.may_close(self.value)

    def body(self) -> Any:
        """The whole body if everything closed here."""
        frame, value = self, self.value
        while frame.parent is not None:
            value, frame = frame.parent.added(frame.key, value).value, frame.parent
        return value


class _Run:
    """The state that the cursors of one reading share."""

    def __init__(self, language: Language, reading: Reading) -> None:
        self.language, self.reading = language, reading
        names = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
        self.positions = {number: names.get(item.name) for number, item in enumerate(language.items)}
        self.names = names
        self._all = all(item.name in names for item in language.items)
        self._possible: dict[Node, bool] = {}
        self._values: dict[Any, PlaceValues] = {}
        self._brackets: dict[Node, list[str]] = {}
        self._openers: dict[Node, frozenset[Token]] = {}
        self._scalars: dict[Node, frozenset[Token]] = {}
        self._keys: dict[tuple[Node, Any], frozenset[Token]] = {}
        self._known: dict[Node, Mapping[tuple[Token, ...], str]] = {}

    def values(self, node: Node) -> PlaceValues:
        spec = spec_of(node)
        if spec not in self._values:
            self._values[spec] = PlaceValues(spec, self.reading)
        return self._values[spec]

    def known(self, node: Node) -> Mapping[tuple[Token, ...], str]:
        """Known values of the node's field of which words of the question are a part, by their tokens."""
        names = self._known.get(node)
        if names is None:
            names = self._known[node] = dict(self._spellings(node))
        return names

    def _spellings(self, node: Node) -> Iterator[tuple[tuple[Token, ...], str]]:
        spec, place = self.values(node).spec, self.names.get(node.field)
        if place is None or spec.numeric or spec.is_choice or not spec.free:
            return
        reading = self.reading
        spans = partial_values(reading.question, reading.words, reading.item(place).values)
        yield from ((("known", *as_span(*span)), value) for span, value in spans.items() if spec.fits(value))

    def possible(self, node: Node) -> bool:
        """Whether a value may come there that names only fields that are shown."""
        if self._all:
            return node.is_possible
        if node not in self._possible:
            self._possible[node] = True  # it may hold itself
            self._possible[node] = (
                node.is_scalar
                or any(name in self.names for name in node.pointers)
                or self._has_object(node)
                or self._has_list(node)
            )
        return self._possible[node]

    def _has_object(self, node: Node) -> bool:
        if self._all or not node.is_object:
            return node.is_object
        there = {key for token, key in node.options.items() if self._shows(node, token, key)}
        return node.is_alive(node.fields.intersection(self.names) | there)

    def _has_list(self, node: Node) -> bool:
        return node.is_list and node.item is not None and self.possible(node.item)

    def _shows(self, node: Node, token: Token, key: str) -> bool:
        if isinstance(token, int):
            return self.positions[token] is not None
        if key in SPANS and self.language.span_fields(node.nested).isdisjoint(self.names):
            return False
        return token[0] == "#" or self.possible(node.child(key, {}, node.field))

    def brackets(self, node: Node) -> Collection[str]:
        """The brackets that a value may begin with."""
        brackets = self._brackets.get(node)
        if brackets is None:
            forms = (("{", self._has_object), ("[", self._has_list))
            brackets = self._brackets[node] = [bracket for bracket, has in forms if has(node)]
        return brackets

    def openers(self, node: Node) -> frozenset[Token]:
        """Tokens that a value may begin with."""
        choices = self._openers.get(node)
        if choices is None:
            choices = self._openers[node] = frozenset((*self.brackets(node), *self.scalars(node)))
        return choices

    def scalars(self, node: Node) -> frozenset[Token]:
        """Of these, those that are no brackets."""
        choices = self._scalars.get(node)
        if choices is None:
            choices = self._scalars[node] = self._begin(node)
        return choices

    def _begin(self, node: Node) -> frozenset[Token]:
        pointers = frozenset(place for name in node.pointers if (place := self.names.get(name)) is not None)
        if not node.is_scalar:
            return pointers
        return pointers | self.values(node).start | ({"known"} if self.known(node) else set())

    def begins(self, node: Node, token: Token) -> bool:
        """Whether `scalars` has a token, without a look at the others."""
        if isinstance(token, int) and token >= len(self.reading.words):
            return token < len(self.reading) and self.reading.item(token).name in node.pointers
        if not node.is_scalar:
            return False
        if token == "known":
            return bool(self.known(node))
        values = self.values(node)
        return token in values.spec.fixed or token in values.start

    def keys(self, frame: _Frame) -> frozenset[Token]:
        node = frame.node
        at = (node, len(frame.value) if node.kind == kinds.AGGREGATIONS_ else frozenset(frame.value))
        keys = self._keys.get(at)
        if keys is None:
            tokens_ = (
                self.positions[token] if isinstance(token, int) else token
                for token in node.may_follow(frame.value)
                if self._all or self._shows(node, token, node.keys[token])
            )
            keys = self._keys[at] = frozenset(token for token in tokens_ if token is not None)
        return keys


def start(language: Language, reading: Reading) -> BodyCursor:
    """Where an answer begins."""
    return BodyCursor(_Run(language, reading), _State.START)


class BodyCursor(Cursor):
    """A place in a body."""

    def __init__(
        self,
        run: _Run,
        state: _State,
        frame: _Frame | None = None,
        node: Node | None = None,
        key: str = "",
        written: tuple[Token, ...] = (),
    ) -> None:
        self._run, self._state, self._frame = run, state, frame
        self._node, self._key, self._written = node, key, written  # of the value that comes or is being written
        self._last: tuple[Token, BodyCursor | None] | None = None  # a token, and the place after it

    def allowed(self) -> Collection[Token]:
        """As in `Cursor`."""
        choices = set(self._atoms)
        choices.update(self._merged(_merges()))
        if self._may_end:
            choices.add("")
        return choices

    def push(self, token: Token) -> BodyCursor:
        """As in `Cursor`. Raises ValueError for a token that is not allowed."""
        after = self._after_token(token)
        if after is None:
            raise ValueError(f"{token!r} is not allowed here")
        return after

    def allows(self, token: Token) -> bool:
        return self._may_end if token == "" else self._after_token(token) is not None

    def _after_token(self, token: Token) -> BodyCursor | None:
        """The place after `token`; None: it is not allowed here. The last one is kept: `allows` comes before `push`."""
        if self._last is None or self._last[0] != token:
            self._last = token, self._walked((token,) if isinstance(token, int) else token.split(JOIN))
        return self._last[1]

    def _walked(self, parts: Sequence[Token]) -> BodyCursor | None:
        cursor = self
        for part in parts:
            if not cursor._accepts(part):
                return None
            cursor = cursor._next(part)
        return cursor

    @property
    def body(self) -> Any:
        """The answer if it ended here."""
        if self._state is _State.REFUSED or (self._frame is not None and self._frame.node.kind == "missing"):
            return {"refusal": {"missing": self._folded()}}
        return self._folded()

    @property
    def _is_next(self) -> bool:
        """Whether the value is the next one of a list. A field may be called ``,`` too."""
        return self._key == "," and self._frame is not None and isinstance(self._frame.value, list)

    @property
    def _is_path(self) -> bool:
        """Whether the value names an aggregation. A field may be called ``buckets_path`` too."""
        return self._key in _PATHS and self._frame is not None and not self._frame.node.has_fields

    # --- what may come ---------------------------------------------------------------------

    @cached_property
    def _atoms(self) -> frozenset[Token]:
        """Tokens that are not merged."""
        state = self._state
        if state is _State.START:
            return frozenset(("{", "refuse"))
        if state is _State.REFUSED:
            return frozenset("[")
        if state is _State.VALUE:
            return self._openers()
        if state is _State.SCALAR:
            assert self._node is not None
            going_on = self._going_on()
            if going_on and self._costs(self._node):
                going_on = frozenset(token for token in going_on if self._affords((*self._written, token)))
            if (frame := self._complete) is None:
                return going_on
            return going_on | self._after(frame)
        assert self._frame is not None
        return self._after(self._frame)

    def _going_on(self) -> frozenset[Token]:
        """The tokens that continue the value that is being written."""
        assert self._node is not None
        length = len(self._written)
        if self._is_path:
            paths = (path for path in self._paths() if path[:length] == self._written and len(path) > length)
            return frozenset(path[length] for path in paths)
        if self._written[0] == "known":
            ways = (way for way in self._run.known(self._node) if way[:length] == self._written and len(way) > length)
            choices = frozenset(way[length] for way in ways)
        else:
            choices = frozenset() if self._pointed is not None else self._run.values(self._node).after(self._written)
        return (
            choices - {token for token in choices if self._only_repeats((*self._written, token))}
            if self._there
            else choices
        )

    @cached_property
    def _there(self) -> frozenset[str]:
        """Texts that the list has in which the value comes: none of them comes again."""
        frame = self._frame
        if frame is None or not isinstance(frame.value, list):
            return frozenset()
        return frozenset(key for key in frame.value if isinstance(key, str))

    def _only_repeats(self, written: tuple[Token, ...]) -> bool:
        """Whether these tokens are a text that is there already, and cannot become another."""
        assert self._node is not None
        run, values = self._run, self._run.values(self._node)
        if isinstance(written[0], int) and written[0] >= len(run.reading.words):
            return run.reading.item(written[0]).name in self._there
        if written[0] == "known":
            return all(
                value in self._there for way, value in run.known(self._node).items() if way[: len(written)] == written
            )
        return values.value(written) in self._there and not values.after(written)

    def _openers(self) -> frozenset[Token]:
        node, frame = self._node, self._frame
        assert node is not None
        assert frame is not None
        if self._is_path:
            return frozenset(path[0] for path in self._paths())
        choices = self._run.scalars(node) if self._is_next else self._run.openers(node)
        if frame.depth >= _DEPTH_LIMIT + 6:
            choices -= {"{", "["}
        if self._there:
            choices -= {token for token in choices if token not in ("{", "[") and self._only_repeats((token,))}
        return frozenset(token for token in choices if self._affords((token,))) if self._costs(node) else choices

    def _costs(self, node: Node) -> bool:
        """Whether the value may exceed what the guard allows for the whole body, or turn a box upside down."""
        if self._is_latitude:
            return True
        return node.chain[0][0] != "query" and node.is_scalar and not self._run.values(node).spec.free

    @property
    def _is_latitude(self) -> bool:
        """Whether the value is the latitude of the second corner of a box."""
        frame = self._frame
        return self._key == "lat" and frame is not None and frame.key in kinds.BOX and bool(_box(frame).value)

    def _affords(self, written: tuple[Token, ...]) -> bool:
        """Whether the value of these tokens, or a longer one, is within what the guard allows."""
        assert self._node is not None
        assert self._frame is not None
        last = written[-1]
        if last == "'-" and self._is_latitude:
            return any(self._affords((*written, digit)) for digit in self._run.values(self._node).after(written))
        if last == "page":
            return any(self._affords((*written, size)) for size in self._run.values(self._node).after(written))
        if last in ("{", "[", "number", "text", "known", ".."):
            return True
        if isinstance(last, int) and last >= len(self._run.reading.words):
            return True  # a field
        values = self._run.values(self._node)
        value = values.value(written)
        if value is NO_VALUE and not isinstance(last, int):
            return True
        if value is not NO_VALUE and self._within_limits(self._frame.added(self._key, value)):
            return True
        if str(last)[0] == "'":  # more digits are a greater number, and may be a wider interval
            more = [(*written, *["'0"] * zeros) for zeros in (3, 6, 9, 12)] if values.after(written) else []
        else:
            more = [(*written, token) for token in values.after(written)]
        return any(
            value is NO_VALUE if longer is NO_VALUE else self._within_limits(self._frame.added(self._key, longer))
            for longer in map(values.value, more)
        )

    def _within_limits(self, frame: _Frame) -> bool:
        if self._is_latitude:
            return not rules.is_upside_down({**_box(frame).value, frame.key: frame.value})
        language, body = self._run.language, frame.body()
        if frame.parent is None:  # numbers of the body itself depend on each other alone
            body = {key: value for key, value in body.items() if not isinstance(value, (dict, list))}
        return not any(problem.code == "limit" for problem in guard.check(body, language.limits, language.ranges))

    def _after(self, frame: _Frame, only: Token | None = None) -> frozenset[Token]:
        """The tokens that may follow a whole value in an object or a list. `only`: the one token that matters."""
        if isinstance(frame.value, list):
            item = frame.node.item
            assert item is not None
            choices = self._run.openers(item) & {"{", "["}
            if self._run.scalars(item):
                choices |= {","}
            return choices | {"]"} if frame.may_close() and frame.parent is not None else choices
        choices = self._run.keys(frame)
        if only is not None:
            choices &= {only}
        if choices and (shut := self._shut(frame, choices)):
            choices -= shut
        if only in (None, "}") and frame.parent is not None and frame.may_close() and self._is_whole(frame):
            choices |= {"}"}
        return choices

    def _shut(self, frame: _Frame, keys: Collection[Token]) -> set[Token]:
        """Of `keys`, those that would nest too deep, cost too much, or refer to what cannot come."""
        node = frame.node
        shut: set[Token] = set()
        if frame.depth >= _DEPTH_LIMIT:
            shut |= _RECURSIVE
        if node.kind in (kinds.QUERY, kinds.QUERIES_):
            shut |= self._shut_queries(frame)
        elif node.kind == AGGREGATION:
            shut |= self._shut_aggregations(frame, keys)
        elif node.kind == kinds.ORDER:
            shut |= self._unknown_orders(frame)
        if (field := _span_field(frame)) is not None:
            beside: set[Token | None] = (
                {"span_term:"} if node.kind == kinds.QUERY else {self._run.names.get(field), "boost:", "_name:"}
            )
            shut |= {token for token in keys if token not in beside}
        return shut

    def _shut_queries(self, frame: _Frame) -> set[Token]:
        deep = frame.depth >= _DEPTH_LIMIT
        names = frame.node.keys.values() if deep else ()
        shut: set[Token] = {f"{name}:" for name in names if name not in _LEAVES}
        if frame.bools >= self._run.language.limits.bool_depth:
            shut.add("bool:")
        return shut

    def _shut_aggregations(self, frame: _Frame, keys: Collection[Token]) -> set[Token]:
        assert frame.parent is not None
        shut: set[Token] = set() if frame.parent.value else set(_PIPELINES)
        if frame.levels >= self._run.language.limits.aggregation_depth or frame.depth >= _DEPTH_LIMIT:
            shut |= {"aggs:", "sampler:"}
        elif frame.value and not self._holds_aggregations(frame.value):
            shut.add("aggs:")
        if frame.levels > 1:
            shut |= self._too_costly(frame, keys)
        return shut

    def _too_costly(self, frame: _Frame, keys: Collection[Token]) -> set[Token]:
        """Aggregations of which the guard refuses that many."""
        if frame.value:
            return set()
        names = ((token, frame.node.keys[token]) for token in keys if token != "aggs:")
        return {token for token, key in names if not self._within_limits(frame.added(key, {}))}

    def _holds_aggregations(self, there: Mapping[str, Any]) -> bool:
        leaves = self._run.language.leaves
        return not any(name in leaves for name in there)

    def _unknown_orders(self, frame: _Frame) -> set[Token]:
        """Aggregations that an order cannot name: they would nest too deep, or are not written yet."""
        names: set[Token] = {token for token in frame.node.keys if isinstance(token, str) and token[0] == "#"}
        owner = frame.parent
        while owner is not None and owner.node.kind != AGGREGATION:
            owner = owner.parent
        if owner is None or owner.parent is None:
            return names
        if owner.parent is not None and self._is_sort(frame):
            known = owner.parent.value
            return {token for token in names if f"a{str(token)[1:]}" not in known}
        full = owner.levels >= self._run.language.limits.aggregation_depth or owner.depth >= _DEPTH_LIMIT
        return names if full else names - {"#0"}

    @staticmethod
    def _is_sort(frame: _Frame) -> bool:
        return any(step[0] == "bucket_sort" for step in frame.node.chain[1:])

    def _is_whole(self, frame: _Frame) -> bool:
        """Whether an aggregation has what it refers to."""
        if frame.node.kind != AGGREGATION:
            return True
        assert frame.parent is not None
        return not any(rules.check({"aggs": {**frame.parent.value, frame.key: frame.value}}))

    # --- the end -----------------------------------------------------------------------------

    @cached_property
    def _may_end(self) -> bool:
        if self._state in (_State.START, _State.VALUE):
            return False
        if self._state is _State.REFUSED:
            return True
        frame = self._complete if self._state is _State.SCALAR else self._frame
        if frame is None or not frame.outer or not frame.may_close():
            return False
        return frame.node.kind == "missing" or self._run.language.passes(frame.body())

    def _folded(self) -> Any:
        frame = self._complete if self._state is _State.SCALAR else self._frame
        return [] if frame is None else frame.body()

    # --- the next place ------------------------------------------------------------------------

    @cached_property
    def _pointed(self) -> str | None:
        """The field that the value is, if it is one."""
        token = self._written[0] if len(self._written) == 1 else None
        words = len(self._run.reading.words)
        return self._run.reading.item(token).name if isinstance(token, int) and token >= words else None

    @cached_property
    def _complete(self) -> _Frame | None:
        """The object or list with the value that is being written; None if it is not whole."""
        assert self._node is not None
        assert self._frame is not None
        if self._is_path:
            text = "".join(str(token)[1:] for token in self._written)
            value: Any = text if self._written in self._paths() else NO_VALUE
        elif self._pointed is not None:
            value = self._pointed
        elif self._written[0] == "known":
            value = self._run.known(self._node).get(self._written, NO_VALUE)
        else:
            value = self._run.values(self._node).value(self._written)
        if value is NO_VALUE or (self._there and value in self._there):
            return None
        frame = self._frame.added(self._key, value)
        if not self._is_next and self._costs(self._node) and not self._within_limits(frame):
            return None
        return frame

    def _paths(self) -> list[tuple[Token, ...]]:
        """Paths to aggregations that are already written, spelled."""
        owner = self._frame
        while owner is not None and owner.node.kind != AGGREGATION:
            owner = owner.parent
        assert owner is not None
        assert owner.parent is not None
        return [tuple(f"'{character}" for character in path) for path in _named(owner.parent.value)]

    def _next(self, token: Token) -> BodyCursor:
        run, state = self._run, self._state
        if state is _State.START:
            if token == "refuse":
                return BodyCursor(run, _State.REFUSED)
            return BodyCursor(run, _State.OBJECT, _Frame(node=run.language.body, value={}, parent=None))
        if state is _State.REFUSED:
            listed = _Frame(node=run.language.missing, value=[], parent=None)
            return BodyCursor(run, _State.VALUE, listed, run.language.missing.item)
        if state is _State.VALUE:
            return self._begin(token)
        frame = self._frame
        if state is _State.SCALAR:
            assert self._node is not None
            if token in self._going_on():
                return BodyCursor(run, state, self._frame, self._node, self._key, (*self._written, token))
            frame = self._complete
        assert frame is not None
        return self._go_on(frame, token)

    def _begin(self, token: Token) -> BodyCursor:
        node, frame = self._node, self._frame
        assert node is not None
        assert frame is not None
        if token not in ("{", "["):
            return BodyCursor(self._run, _State.SCALAR, frame, node, self._key, (token,))
        inner = _Frame(
            node=node,
            value={} if token == "{" else [],
            parent=frame,
            key=self._key,
            field=node.field,
            depth=frame.depth + 1,
            bools=frame.bools + (self._key == "bool"),
            levels=frame.levels + (node.kind == kinds.AGGREGATIONS_),
            outer=frame.outer and frame.added(self._key, None).may_close(),
        )
        if token == "{":
            return BodyCursor(self._run, _State.OBJECT, inner)
        return BodyCursor(self._run, _State.VALUE, inner, node.item)

    def _go_on(self, frame: _Frame, token: Token) -> BodyCursor:
        run = self._run
        if token in ("}", "]"):
            assert frame.parent is not None
            outer = frame.parent.added(frame.key, frame.value)
            return BodyCursor(run, _State.LIST if isinstance(outer.value, list) else _State.OBJECT, outer)
        if isinstance(frame.value, list):
            item = frame.node.item
            assert item is not None
            if token == ",":
                return BodyCursor(run, _State.VALUE, frame, item, ",")
            return BodyCursor(run, _State.VALUE, frame, item)._begin(token)
        key = self._name(token)
        node = frame.node.child(key, frame.value, frame.field)
        return BodyCursor(run, _State.VALUE, frame, node, key)

    def _name(self, token: Token) -> str:
        if isinstance(token, int):
            return self._run.reading.item(token).name
        return f"a{token[1:]}" if token[0] == "#" else token[:-1]

    # --- merged tokens ---------------------------------------------------------------------------

    def _accepts(self, part: Token) -> bool:
        """Whether a token that is not merged is allowed: as in `_atoms`, without a look at the others that are."""
        state, node, frame = self._state, self._node, self._frame
        if frame is None or self._is_path or "_atoms" in vars(self):
            return part in self._atoms
        if state in (_State.OBJECT, _State.LIST):
            return part in self._after(frame, part)
        assert node is not None
        if state is _State.SCALAR:
            if part in self._going_on() and (not self._costs(node) or self._affords((*self._written, part))):
                return True
            return (whole := self._complete) is not None and part in self._after(whole, part)
        if part in ("{", "["):
            return not self._is_next and frame.depth < _DEPTH_LIMIT + 6 and part in self._run.brackets(node)
        if not self._run.begins(node, part) or (self._there and self._only_repeats((part,))):
            return False
        return not self._costs(node) or self._affords((part,))

    def _merged(self, tree: Mapping[str, Any]) -> Iterator[Token]:
        """Merged tokens whose parts are allowed in turn."""
        for part, below in tree.items():
            if part and self._accepts(part):
                after = self._next(part)
                if whole := below.get(""):
                    yield whole
                yield from after._merged(below)


def _box(corner: _Frame) -> _Frame:
    """The box of a corner."""
    assert corner.parent is not None
    return corner.parent


def _span_field(frame: _Frame) -> str | None:
    """The field of the first of several spans that must be on one field, if this is a later one, or its span_term."""
    around = frame.parent if frame.key == "span_term" else frame
    owner = around.parent if around is not None else None
    if owner is None or not isinstance(owner.value, list) or not owner.value or owner.node.key != "clauses":
        return None
    return next((field for clause in owner.value if (field := rules.span_field(clause))), None)


def _named(level: Mapping[str, Any]) -> Iterator[str]:
    """Paths to the aggregations of a level."""
    for name, definition in level.items():
        yield name
        if isinstance(definition, Mapping) and isinstance(definition.get("aggs"), Mapping):
            yield from (f"{name}>{path}" for path in _named(definition["aggs"]))


@cache
def _merges() -> Mapping[str, Any]:
    """Merged tokens as a tree of their parts, with each token under the empty part."""
    tree: dict[str, Any] = {}
    for token in tokens():
        if JOIN in token:
            at = tree
            for part in token.split(JOIN):
                at = at.setdefault(part, {})
            at[""] = token
    return tree
