"""The context of questions: an index with its lexicon, roles and documents. Each question draws one document.

    context = QuestionContext.of(index)      uses the documents of a bundled index, invented documents otherwise
    draw = context.draw(Random(1))
    role, value = draw.known("category")     a field that the question does not use yet, and this document's value

All conditions of a question come from one document, so at least that document matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from dstill.api.values import Known
from dstill.linked.names import stems
from dstill_querydsl.bundle.indices import APART_KEY, Index
from dstill_querydsl.language.field_types import MAX_EXACT
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.questions.templates.invented_documents import invented_documents, settings_for
from dstill_querydsl.questions.templates.lexicon import Lexicon
from dstill_querydsl.questions.templates.moments import moment
from dstill_querydsl.questions.templates.roles import Role, SkippedFields, roles_of
from dstill_querydsl.questions.templates.words import sayable

__all__ = ["Draw", "Drawn", "QuestionContext", "Skip"]

MOST = 80  # fields of invented documents
_NOW = datetime(2025, 6, 18, 12, tzinfo=UTC)  # for an index without `now` and without known dates
_MAIN = ("@timestamp", "timestamp", "date", "datetime", "time", "event_time", "created_at", "created")


class Skip(Exception):
    """This document does not fit this template. The caller draws another."""


@dataclass(frozen=True, kw_only=True)
class QuestionContext:
    """An index and everything that questions about it need."""

    index: Index
    lexicon: Lexicon
    roles: tuple[Role, ...]
    skipped: SkippedFields  # fields without questions
    sources: tuple[Mapping[str, Any], ...]
    trial_index: Index  # golds are run on it: the index itself, or one with invented documents
    now: datetime
    example_context: Mapping[str, Any]  # the context of its examples

    @classmethod
    def of(
        cls,
        index: Index,
        *,
        seed: int = 0,
        lexicon: Mapping[str, Any] | None = None,
        only: frozenset[str] | None = None,
        trial_index: Index | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> QuestionContext:
        """Make a context. `only`: its fields. `trial_index`: golds are run on it. Raises DataError."""
        words, data = Lexicon.of(index.mapping, lexicon), trial_index or index
        roles, skipped = roles_of(index.mapping, data.values, words)
        roles = tuple(role for role in roles if only is None or role.field in only)
        if index.given_values is not None:
            skipped.over_limit = max(0, len(roles) - MOST)
            roles = (_with_values_first(roles) if index.given_values else roles)[:MOST]
        now = _aware(index.now) if index.now else _latest(roles)
        sources = tuple(source for _, source in data.documents())
        data = data if sources else _with_invented_documents(index, roles, seed, now)
        return cls(
            index=index,
            lexicon=words,
            roles=roles,
            skipped=skipped,
            sources=sources or tuple(source for _, source in data.documents()),
            trial_index=data,
            now=now,
            example_context=context or {"index": index.name},
        )

    @property
    def fields_without_values(self) -> int:
        """The number of fields with made-up values."""
        if self.index.given_values is None:
            return 0
        return sum(role.known == Known() and role.kind not in ("geo", "boolean") for role in self.roles)

    def by_kind(self, *kinds: str) -> tuple[Role, ...]:
        """Roles of these kinds outside nested objects."""
        return tuple(role for role in self.roles if role.kind in kinds and not role.nested)

    @cached_property
    def nested(self) -> Mapping[str, tuple[Role, ...]]:
        """Nested path → the roles in its objects."""
        paths = dict.fromkeys(role.nested for role in self.roles if role.nested)
        return {path: tuple(role for role in self.roles if role.nested == path) for path in paths}

    @cached_property
    def sparse(self) -> frozenset[str]:
        """Fields that are missing from some documents."""
        paths = {role.field: role.stored.split(".") for role in self.roles}
        return frozenset(
            name for name, path in paths.items() if not all(values_at(source, path) for source in self.sources)
        )

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words in names and nouns of fields."""
        words = self.lexicon.fields
        return frozenset(word for name in words for word in stems(f"{name} {words[name].noun}"))

    @cached_property
    def main_date(self) -> Role | None:
        """The date field that is meant if a question names none."""
        dates = self.by_kind("date")
        named = [role for name in _MAIN for role in dates if role.field.rpartition(".")[2].lower() == name]
        return next(iter((*named, *dates)), None)

    def draw(self, random: Random) -> Draw:
        """Draw a document for one question."""
        return Draw(context=self, random=random, source=random.choice(self.sources))


def _with_values_first(roles: Sequence[Role]) -> tuple[Role, ...]:
    """All roles, with those first that have known values. The others are marked."""
    known = [role for role in roles if role.known != Known() or role.kind in ("geo", "boolean")]
    unknown = [replace(role, has_values=False) for role in roles if role not in known]
    return (*known, *unknown)


def _with_invented_documents(index: Index, roles: Sequence[Role], seed: int, now: datetime) -> Index:
    """The index with made-up documents, and with a mapping that has only the fields of the roles."""
    apart = index.mapping.get("_meta", {}).get(APART_KEY)
    documents = tuple(invented_documents(roles, seed, now, apart=apart if isinstance(apart, Mapping) else None))
    return replace(
        index,
        mapping=_reduced(index.mapping, roles),
        settings=settings_for(_analyzers(index.mapping, roles)),
        now=now.isoformat().replace("+00:00", "Z"),
        documents=lambda: documents,
        recipe=f"invented, seed {seed}",
    )


def _aware(now: str) -> datetime:
    time = datetime.fromisoformat(now)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _latest(roles: Sequence[Role]) -> datetime:
    """One hour after the latest known date."""
    known = [moment(role.known.high, role.format) or moment(role.known.high, "") for role in roles]
    times = [time for time in known if time is not None]
    return (max(times) + timedelta(hours=1)).replace(microsecond=0) if times else _NOW


def _reduced(mapping: Mapping[str, Any], roles: Sequence[Role]) -> dict[str, Any]:
    """A mapping with only the fields of the roles, in types that every engine knows."""
    fields = Fields.of(mapping)
    root: dict[str, Any] = {"properties": {}}
    for role in roles:
        here, path = root, ""
        *above, last = role.field.split(".")
        for name in above:
            path = f"{path}.{name}" if path else name
            here = here.setdefault("properties", {}).setdefault(name, {})
            if path == role.nested:
                here["type"] = "nested"
        here.setdefault("properties", {})[last] = _definition(fields, role)
    return root


# The type that a role is indexed as. Every engine has these types. Invented values need no normalizer and no analyzer,
# except for n-grams.
_PLAIN = {"category": "keyword", "geo": "geo_point"}


def _definition(fields: Fields, role: Role) -> dict[str, Any]:
    kind = ("long" if role.whole else "double") if role.kind == "number" else _PLAIN.get(role.kind, role.kind)
    own: dict[str, Any] = {"type": kind} | ({"format": role.format} if role.format else {})
    subs: dict[str, Any] = {}
    if role.exact:
        subs[role.exact.rpartition(".")[2]] = {"type": "keyword"}
    if role.grams:
        grams = {"type": "text", "analyzer": _analyzer(fields, role.grams)}
        if role.grams == role.field:
            own = grams
        else:
            subs[role.grams.rpartition(".")[2]] = grams
    return own | ({"fields": subs} if subs else {})


def _analyzer(fields: Fields, name: str) -> str:
    field = fields.get(name)
    return str(field.options.get("analyzer", "")) if field else ""


def _analyzers(mapping: Mapping[str, Any], roles: Sequence[Role]) -> set[str]:
    """The analyzers of the roles' n-gram fields."""
    fields = Fields.of(mapping)
    return {_analyzer(fields, role.grams) for role in roles if role.grams}


@dataclass(kw_only=True)
class Drawn:
    """One document, and the random numbers for one question."""

    random: Random
    source: Mapping[str, Any]

    def pick(self, *options: Any) -> Any:
        """One of the options."""
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        """True in `percent` of the calls."""
        return self.random.randrange(100) < percent


@dataclass(kw_only=True)
class Draw(Drawn):
    """The document and the used fields of one question."""

    context: QuestionContext
    used: set[str] = field(default_factory=set)

    def take(self, *kinds: str, groups: bool = False) -> Role:
        """A field of these kinds that the question does not use yet. Raises Skip."""
        return self.among([r for r in self.context.by_kind(*kinds) if r.groups or not groups])

    def among(self, roles: Sequence[Role]) -> Role:
        """One of these fields that the question does not use yet. Raises Skip."""
        free = [role for role in roles if role.stored not in self.used]
        if not free:
            raise Skip("no such field")
        role = self.random.choice([role for role in free if role.has_values] or free)
        self.used.add(role.stored)
        return role

    def known(self, *kinds: str) -> tuple[Role, Any]:
        """A field as in `take`, and this document's value of it. Raises Skip."""
        role = self.take(*kinds)
        return role, self.value(role)

    def value(self, role: Role) -> Any:
        """This document's value of the field. Raises Skip if it has none that a question can use."""
        values = [value for value in values_at(self.source, role.stored.split(".")) if usable(role, value)]
        if not values:
            raise Skip(role.field)
        return self.random.choice(values)

    def other(self, role: Role, value: Any) -> Any:
        """Another value of the field, from another document or from the known values. Raises Skip."""
        options = [option for option in role.known.values if option != value and usable(role, option)]
        for source in self.random.choices(self.context.sources, k=8):
            options += [
                item for item in values_at(source, role.stored.split(".")) if item != value and usable(role, item)
            ]
        if not options:
            raise Skip(role.field)
        return self.random.choice(options)


def values_at(source: Any, path: Sequence[str]) -> list[Any]:
    """All values at a path, also inside lists. A key can be a dotted name too."""
    if isinstance(source, list):
        return [value for item in source for value in values_at(item, path)]
    if not path:
        return [] if source is None else [source]
    if not isinstance(source, Mapping):
        return []
    values: list[Any] = []
    for length in range(1, len(path) + 1):
        if (name := ".".join(path[:length])) in source:
            values += values_at(source[name], path[length:])
    return values


def usable(role: Role, value: Any) -> bool:
    """Whether a condition can use a document's value."""
    if role.kind == "geo":
        return isinstance(value, Mapping) and set(value) == {"lat", "lon"}
    if role.kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MAX_EXACT
    if role.kind == "boolean":
        return isinstance(value, bool)
    if role.kind == "date":
        return moment(value, role.format) is not None
    if role.kind == "text":
        return isinstance(value, str)
    return isinstance(value, str) and sayable(value)
