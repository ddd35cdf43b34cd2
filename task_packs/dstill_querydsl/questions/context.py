"""What questions are drawn from: an index with words, roles and documents, and one document at a time.

    scene = Scene.of(index)                  documents of a bundled index, invented ones of any other
    draw = scene.draw(Random(1))
    role, value = draw.known("category")     a field of this document that no other part of the question uses

All conditions of a question come from one document, so that at least that one meets them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Mapping, Sequence

from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.values import Known
from dstill_querydsl.prompting.pruning_words import split
from dstill_querydsl.questions.lexicon import Lexicon
from dstill_querydsl.questions.llm_questions import APART, invented, settings_for
from dstill_querydsl.questions.moments import moment
from dstill_querydsl.questions.roles import Left, Role, roles_of
from dstill_querydsl.questions.words import sayable

__all__ = ["Draw", "Drawn", "Scene", "Skip"]

MOST = 80  # fields that documents are invented for
LARGEST = 2**53  # numbers beyond it are not the same everywhere
_NOW = datetime(2025, 6, 18, 12, tzinfo=UTC)  # of an index that says nothing of time
_MAIN = ("@timestamp", "timestamp", "date", "datetime", "time", "event_time", "created_at", "created")


class Skip(Exception):
    """This document cannot serve this template: draw another."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    index: Index
    lexicon: Lexicon
    roles: tuple[Role, ...]
    left: Left  # what no question is made of
    sources: tuple[Mapping[str, Any], ...]
    runs: Index  # where golds are tried: the index itself, or one with invented documents
    now: datetime
    context: Mapping[str, Any]  # what its examples carry

    @classmethod
    def of(
        cls,
        index: Index,
        *,
        seed: int = 0,
        lexicon: Mapping[str, Any] | None = None,
        only: frozenset[str] | None = None,
        runs: Index | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Scene:
        """With the words of `lexicon`, of `only` these fields, and `runs` in its place. Raises DataError."""
        words, data = Lexicon.of(index.mapping, lexicon), runs or index
        roles, left = roles_of(index.mapping, data.values, words)
        roles = tuple(role for role in roles if only is None or role.field in only)
        if index.told is not None:
            left.beyond = max(0, len(roles) - MOST)
            roles = (_told(roles) if index.told else roles)[:MOST]
        now = _aware(index.now) if index.now else _latest(roles)
        own = tuple(source for _, source in data.documents())
        data = data if own else _invented(index, roles, seed, now)
        return cls(
            index=index,
            lexicon=words,
            roles=roles,
            left=left,
            sources=own or tuple(source for _, source in data.documents()),
            runs=data,
            now=now,
            context=context or {"index": index.name},
        )

    @property
    def unsure(self) -> int:
        """How many fields hold made-up values."""
        if self.index.told is None:
            return 0
        return sum(role.known == Known() and role.kind not in ("geo", "boolean") for role in self.roles)

    def of_kind(self, *kinds: str) -> tuple[Role, ...]:
        """Roles outside nested objects."""
        return tuple(role for role in self.roles if role.kind in kinds and not role.nested)

    @cached_property
    def nested(self) -> Mapping[str, tuple[Role, ...]]:
        """Nested path → the roles in it."""
        paths = dict.fromkeys(role.nested for role in self.roles if role.nested)
        return {path: tuple(role for role in self.roles if role.nested == path) for path in paths}

    @cached_property
    def sparse(self) -> frozenset[str]:
        """Fields that some of the documents lack."""
        paths = {role.field: role.stored.split(".") for role in self.roles}
        return frozenset(
            name for name, path in paths.items() if not all(values_at(source, path) for source in self.sources)
        )

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Words of all names of the mapping and of what people call its fields."""
        words = self.lexicon.fields
        return frozenset(word for name in words for word in split(f"{name} {words[name].noun}"))

    @cached_property
    def main_date(self) -> Role | None:
        """The date that is meant where a question names none."""
        dates = self.of_kind("date")
        named = [role for name in _MAIN for role in dates if role.field.rpartition(".")[2].lower() == name]
        return next(iter((*named, *dates)), None)

    def draw(self, random: Random) -> Draw:
        return Draw(scene=self, random=random, source=random.choice(self.sources))


def _told(roles: Sequence[Role]) -> tuple[Role, ...]:
    """Which of them have real values; those come first."""
    sure = [role for role in roles if role.known != Known() or role.kind in ("geo", "boolean")]
    unsure = [replace(role, sure=False) for role in roles if role not in sure]
    return (*sure, *unsure)


def _invented(index: Index, roles: Sequence[Role], seed: int, now: datetime) -> Index:
    """The index with documents made up for those roles, and a mapping of no other field."""
    apart = index.mapping.get("_meta", {}).get(APART)
    made = tuple(invented(roles, seed, now, apart=apart if isinstance(apart, Mapping) else None))
    return replace(
        index,
        mapping=_reduced(index.mapping, roles),
        settings=settings_for(_analyzers(index.mapping, roles)),
        now=now.isoformat().replace("+00:00", "Z"),
        documents=lambda: made,
        recipe=f"invented, seed {seed}",
    )


def _aware(now: str) -> datetime:
    found = datetime.fromisoformat(now)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _latest(roles: Sequence[Role]) -> datetime:
    """An hour after the latest date that is known."""
    known = [moment(role.known.high, role.format) or moment(role.known.high, "") for role in roles]
    times = [time for time in known if time is not None]
    return (max(times) + timedelta(hours=1)).replace(microsecond=0) if times else _NOW


def _reduced(mapping: Mapping[str, Any], roles: Sequence[Role]) -> dict[str, Any]:
    """A mapping of the roles' fields alone: no type in it is strange to an engine."""
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


# What a role is indexed as: any engine has these types. A normalizer or an analyzer of the user's is
# defined elsewhere, and invented values do without; only n-grams do not.
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
    one = fields.get(name)
    return str(one.options.get("analyzer", "")) if one else ""


def _analyzers(mapping: Mapping[str, Any], roles: Sequence[Role]) -> set[str]:
    """Those of the roles' n-grams."""
    fields = Fields.of(mapping)
    return {_analyzer(fields, role.grams) for role in roles if role.grams}


@dataclass(kw_only=True)
class Drawn:
    """One document and the random numbers of one question."""

    random: Random
    source: Mapping[str, Any]

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent


@dataclass(kw_only=True)
class Draw(Drawn):
    """What is drawn of a scene, and the fields that the question uses already."""

    scene: Scene
    used: set[str] = field(default_factory=set)

    def take(self, *kinds: str, groups: bool = False) -> Role:
        """A field of these kinds that the question has not used yet. Raises Skip."""
        return self.among([r for r in self.scene.of_kind(*kinds) if r.groups or not groups])

    def among(self, roles: Sequence[Role]) -> Role:
        free = [role for role in roles if role.stored not in self.used]
        if not free:
            raise Skip("no such field")
        role = self.random.choice([role for role in free if role.sure] or free)
        self.used.add(role.stored)
        return role

    def known(self, *kinds: str) -> tuple[Role, Any]:
        """Such a field and this document's value of it, one that can be said. Raises Skip."""
        role = self.take(*kinds)
        return role, self.value(role)

    def value(self, role: Role) -> Any:
        held = [value for value in values_at(self.source, role.stored.split(".")) if usable(role, value)]
        if not held:
            raise Skip(role.field)
        return self.random.choice(held)

    def other(self, role: Role, value: Any) -> Any:
        """Another value of the field, of another document or known."""
        options = [one for one in role.known.values if one != value and usable(role, one)]
        for source in self.random.choices(self.scene.sources, k=8):
            options += [one for one in values_at(source, role.stored.split(".")) if one != value and usable(role, one)]
        if not options:
            raise Skip(role.field)
        return self.random.choice(options)


def values_at(source: Any, path: Sequence[str]) -> list[Any]:
    """All values at a path, through lists; a dotted name may also stand as one key."""
    if isinstance(source, list):
        return [value for one in source for value in values_at(one, path)]
    if not path:
        return [] if source is None else [source]
    if not isinstance(source, Mapping):
        return []
    found: list[Any] = []
    for length in range(1, len(path) + 1):
        if (name := ".".join(path[:length])) in source:
            found += values_at(source[name], path[length:])
    return found


def usable(role: Role, value: Any) -> bool:
    """Whether a condition can be made of a document's value."""
    if role.kind == "geo":
        return isinstance(value, Mapping) and set(value) == {"lat", "lon"}
    if role.kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST
    if role.kind == "boolean":
        return isinstance(value, bool)
    if role.kind == "date":
        return moment(value, role.format) is not None
    if role.kind == "text":
        return isinstance(value, str)
    return isinstance(value, str) and sayable(value)
