"""Invented schemas: a mapping, known values, documents, and the words of people for its fields.

schema = invent(Random(1))
schema.profile.index.mapping    {"properties": {"ord_dt": {"type": "date"}, "cust": {"properties": {…}}, …}}
schema.synonyms["order date"]   ("day of the order", "ord dt", "ord_dt")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from dstill.api.values import Known, Values
from dstill.linked.names import singular, stems
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.invented_schemas.definitions import definition, known_values, shown_values
from dstill_querydsl.questions.invented_schemas.naming import UNIT_WORDS, Manner, named
from dstill_querydsl.questions.invented_schemas.sister_fields import Sister, sisters
from dstill_querydsl.questions.invented_schemas.vocabulary import Concept, Domain, fitting, table, vocabulary
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.invented_documents import invented_documents, settings_for
from dstill_querydsl.questions.templates.lexicon import Lexicon
from dstill_querydsl.questions.templates.roles import roles_of
from dstill_querydsl.questions.templates.units import UNITS
from dstill_querydsl.questions.templates.words import noun_of, plural

__all__ = ["InventedSchema", "Put", "invent", "is_plural"]

DOCUMENTS = 36
MOST = 60  # fields and sub-fields, so that a student reads all of them
# kind → fewest and most fields
_COUNTS = {
    "category": (2, 9),
    "number": (2, 7),
    "date": (1, 3),
    "text": (0, 3),
    "boolean": (0, 3),
    "geo": (0, 1),
    "ip": (0, 1),
}
_WIDE = (0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1.5, 2.5, 4)  # times that many fields
_SPANS = (1, 3, 14, 60, 400, 400, 1_500)  # days that the dates of an index cover
_UNITS_IN_NAMES = frozenset(stem for word in UNIT_WORDS.values() for stem in stems(word))
_WRITING = frozenset(
    (
        "update", "updated", "delete", "deleted", "deletion", "copy", "copies", "insert", "insertion", "removal",
        "removed", "change", "approved", "booked", "sent", "printed", "merged", "reopened", "exported", "assigned",
        "renamed", "extended", "cancelled", "booking", "approval", "renewal",
    )
)  # fmt: skip
_KEYS = 0.55  # share of schemas with a number of the document
_SISTERS = 0.3  # share of schemas with two fields that have the same values


@dataclass(frozen=True, kw_only=True)
class InventedSchema(Subject):
    """One invented index."""

    domain: str
    meant: Mapping[str, Put]  # noun → what it is about
    known: Mapping[str, tuple[str, ...]]  # field → its values that a student reads


def invent(random: Random) -> InventedSchema:
    """A schema of a random domain."""
    return _Inventor(random).schema()


@dataclass(frozen=True, kw_only=True)
class Put:
    """One field that was put into the mapping."""

    path: str
    concept: Concept
    nouns: tuple[str, ...]
    above: str  # the thing that it belongs to, such as the customer. Empty: the document itself
    within: str  # the list of objects that it is in


_Values = tuple[Known, dict[str, str], Known | None]  # all values, words for codes, and the values that are shown


class _Inventor:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.words = vocabulary()
        self.domain: Domain = random.choice(self.words.domains)
        self.manner = Manner(random)
        self.span = random.choice(_SPANS)
        self.now = datetime(random.randrange(2016, 2026), random.randrange(1, 13), random.randrange(1, 29), tzinfo=UTC)
        self.now += timedelta(minutes=random.randrange(24 * 60))
        self.root: dict[str, Any] = {}
        self.puts: list[Put] = []
        self.items = 0  # fields and sub-fields
        self.taken: set[str] = set()  # nouns, in lower case
        self.lexicon: dict[str, Any] = {}
        self.shown: dict[str, Known] = {}
        self.real: dict[str, Known] = {}
        self.sisters: dict[str, tuple[str, ...]] = {}
        self.key = ""  # the field with the document's number

    def schema(self) -> InventedSchema:
        if self.random.random() < _KEYS:
            self._put_key()
        if self.random.random() < _SISTERS:
            self._put_sisters()
        nested, times = self._nested(), self.random.choice(_WIDE)
        concepts = [
            concept
            for kind, (fewest, most) in _COUNTS.items()
            for concept in self._chosen(kind, round(times * self.random.randrange(fewest, most + 1)))
        ]
        for concept in self.random.sample(concepts, len(concepts)):
            if self.items < MOST:
                self._put(concept, nested if concept.kind in ("category", "number", "boolean") else "")
        mapping = self._mapping()
        synonyms, singular = self._all_synonyms()
        index = Index(
            name=f"{self.domain.noun} {self.random.randrange(10**6)}",
            mapping=mapping,
            settings=settings_for(["trigrams"]) if "trigrams" in str(mapping) else {},
            now=self.now.isoformat().replace("+00:00", "Z"),
            documents=tuple,
            recipe="invented",
            given_values=Values(self.shown),
        )
        return self._with_documents(index, synonyms, singular)

    def _with_documents(
        self, index: Index, synonyms: dict[str, tuple[str, ...]], singular: dict[str, str]
    ) -> InventedSchema:
        lexicon = self._lexicon(synonyms)
        roles, _ = roles_of(index.mapping, Values(self.real), Lexicon.of(index.mapping, lexicon))
        key = next((role for role in roles if role.stored == self.key), None)
        roles = tuple(role for role in roles if role is not key)
        documents = tuple(invented_documents(roles, self.random.randrange(10**6), self.now, DOCUMENTS))
        real = replace(index, documents=lambda: documents, given_values=Values(self.real))
        fields = frozenset(role.field for role in roles)
        source = replace(index, documents=lambda: documents)
        context = QuestionContext.of(source, lexicon=lexicon, trial_index=real, only=fields)
        profile = IndexProfile(replace(index, documents=tuple), Limits())
        facts = self._facts()
        facts["sisters"] = self.sisters if len(self.sisters) == 2 else {}
        facts["key"] = key
        return InventedSchema(
            domain=self.domain.noun, profile=profile, context=context, synonyms=synonyms, singular=singular, **facts
        )

    def _facts(self) -> dict[str, Any]:
        """Facts about the fields that a voice has to know."""
        owners: dict[str, set[str]] = {}
        for put in self.puts:
            codes = self.lexicon[put.path]["codes"]
            for value in (*self.real[put.path].values, *codes.values()):
                owners.setdefault(str(value).lower(), set()).add(put.path)
        return {
            "meant": {put.nouns[0]: put for put in self.puts},
            "objects": self.domain.objects,
            "date_nouns": {
                put.nouns[0]: put.concept.nouns[0] for put in self.puts if put.concept.kind == "date" and not put.above
            },
            "owners": {value: frozenset(paths) for value, paths in owners.items()},
            "known": {
                path: tuple(value for value in known.values if isinstance(value, str))
                for path, known in self.shown.items()
            },
        }

    # --- fields -------------------------------------------------------------------------

    def _chosen(self, kind: str, count: int) -> list[Concept]:
        """Concepts that fit the domain, and now and then some that do not."""
        own = fitting(self.words.concepts[kind], self.domain.topics)
        every = self.words.concepts[kind]
        chosen: list[Concept] = []
        for _ in range(count):
            pool = own if own and self.random.random() < 0.88 else every
            concept = self.random.choice(pool)
            if self.random.random() < 0.12 and (odd := [c for c in own if _writes(c)]):
                concept = self.random.choice(odd)
            if concept not in chosen or self.random.random() < 0.2:  # the country of the sender, and of the receiver
                chosen.append(concept)
        return chosen

    def _put_key(self) -> None:
        """The document's own number, which is called like the document: ticket_no."""
        called = [self.domain.noun.split()[-1], *(singular(noun.split()[-1]) for noun in self.domain.many)]
        noun, of_number = self.random.choice((called[0], *called)), self.random.random() < 0.5
        nouns = [f"{noun} {word}" for word in ("number", "id", "no", "nr", "code", "key", "reference")]
        pair = tuple(self.random.sample(nouns[:2] if of_number else nouns[:2] + nouns[4:], 2))
        names = tuple(self.random.sample((*nouns[:4], noun, "id"), 3))
        facts = (
            {"low": 1, "high": 10 ** self.random.randrange(3, 12), "whole": True} if of_number else {"values": ("-",)}
        )
        kind = "number" if of_number else "category"
        concept = Concept(kind=kind, nouns=pair, names=names, topics=frozenset(), **facts)
        before = len(self.puts)
        self._put(concept, "", values=(Known(), {}, None))
        self.key = self.puts[-1].path if len(self.puts) > before else ""

    def _put_sisters(self) -> None:
        """Two fields with the same values."""
        pair = sisters(self.domain.topics, self.random)
        if pair is None:
            return
        known, codes = known_values(pair[0].concept, self.random, self.now, self.span)
        shown = shown_values(pair[0].concept, known, self.random)
        for sister in pair:
            before = len(self.puts)
            self._put(sister.concept, "", sister, (known, codes, shown))
            if len(self.puts) > before:
                self.sisters[self.puts[-1].path] = sister.ways

    def _nested(self) -> str:
        fitting_names = [name for name, topics in self.words.nested if not topics.isdisjoint(self.domain.topics)]
        if not fitting_names or self.random.random() > 0.35:
            return ""
        name = named([self.random.choice(fitting_names)], self.manner.style)
        self.root[name] = {"type": "nested", "properties": {}}
        return name

    def _put(self, concept: Concept, nested: str, sister: Sister | None = None, values: _Values | None = None) -> None:
        random, manner = self.random, self.manner
        within = nested if nested and random.random() < 0.3 else ""
        above = random.choice(self.domain.objects) if not within and not sister and random.random() < 0.24 else ""
        nouns = self._nouns(concept, above)
        if not nouns:
            return
        noun = random.choice(concept.nouns)
        dotted = bool(above) and manner.dotted
        last, needs = manner.name(concept, noun, len(self.puts), "" if dotted else above)
        path = [within, last] if within else [named([above], manner.style), last] if dotted else [last]
        field = definition(concept, random)
        if needs or random.random() < manner.described:
            text = random.choice(
                (nouns[0], f"{nouns[0]} of the {self.domain.noun}", f"the {nouns[-1]}", f"{nouns[0]}, as recorded")
            )
            field["meta"] = {**field.get("meta", {}), "description": text}
        if not self._insert(path, field):
            return
        name = ".".join(path)
        self.taken |= {noun.lower() for noun in nouns}
        self.puts.append(Put(path=name, concept=concept, nouns=nouns, above=above, within=within))
        self._fill(name, concept, nouns[0], field, values)
        if sister:
            self.lexicon[name]["ways"] = [way for way in sister.ways if not way.startswith("{v}")]

    def _nouns(self, concept: Concept, above: str) -> tuple[str, ...]:
        """Nouns that no other field has, in random order. With an object, most of them name it."""
        nouns = list(concept.nouns)
        if self.taken.intersection(concept.nouns):
            return ()
        if above:
            longer = [f"{above} {noun}" if not noun.startswith(above) else noun for noun in concept.nouns]
            longer += [f"{noun} of the {above}" for noun in concept.nouns if " of " not in noun]
            nouns = longer + (nouns if self.random.random() < 0.4 else [])
        nouns = [name for name in dict.fromkeys(nouns) if name.lower() not in self.taken]
        return tuple(self.random.sample(nouns, len(nouns)))

    def _insert(self, path: Sequence[str], field: dict[str, Any]) -> bool:
        """Put a field into the mapping. False if there is something of that name."""
        here = self.root
        for name in path[:-1]:
            inner = here.setdefault(name, {"properties": {}})
            if "properties" not in inner:
                return False
            here = inner["properties"]
        if path[-1] in here:
            return False
        here[path[-1]] = field
        self.items += 1 + len(field.get("fields", {}))
        return True

    def _fill(
        self, name: str, concept: Concept, noun: str, field: Mapping[str, Any], values: _Values | None = None
    ) -> None:
        """The values and the words of one field. `values`: those of its sister."""
        random = self.random
        if values is None:
            known, codes = known_values(concept, random, self.now, self.span)
            values = known, codes, shown_values(concept, known, random)
        known, codes, shown = values
        names = [name, *(f"{name}.{sub}" for sub in field.get("fields", {}))]
        self.real |= dict.fromkeys(names, known)
        if shown is not None:
            self.shown |= dict.fromkeys(names, shown)
        word: dict[str, Any] = {"noun": noun, "unit": _unit(concept, field, name), "codes": codes}
        if is_plural(noun):
            word["nouns"] = noun
        if concept.most and random.random() < 0.7:
            word |= {"most": concept.most, "least": concept.least}
        if concept.yes and random.random() < 0.5:
            word |= {"yes": concept.yes, "no": concept.no}
        if concept.kind == "category" and random.random() < 0.3:
            word["ways"] = [random.choice(("from {v}", "by {v}", "in {v}", "{v} <", "of {v}", "on {v}", "for {v}"))]
        self.lexicon[name] = word

    def _mapping(self) -> dict[str, Any]:
        keys = [key for key, field in self.root.items() if field.get("properties", True)]
        self.random.shuffle(keys)
        return {"properties": {key: self.root[key] for key in keys}}

    # --- words --------------------------------------------------------------------------

    def _all_synonyms(self) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
        """Noun → other words, and plural → noun."""
        nouns: dict[str, tuple[str, ...]] = {}
        taken = set(self.taken)
        for put in self.puts:
            first, *rest = put.nouns
            leaf = put.path.rpartition(".")[2]
            words = [] if self.manner.prefix else [noun_of(put.path).lower()]
            more = [*_synonyms(put.nouns), *words, leaf, put.path]
            fresh = [name for name in dict.fromkeys(more) if name.lower() not in taken and len(name) < 50]
            taken |= {word.lower() for word in fresh}
            nouns[first] = (*rest, *fresh)
        return nouns, {plural(noun): noun for noun in nouns}

    def _lexicon(self, synonyms: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        many = self.random.sample(self.domain.many, len(self.domain.many))
        extremes = Counter(word[key] for word in self.lexicon.values() for key in ("most", "least") if key in word)
        for word in self.lexicon.values():  # the longest may be meant in two ways
            for key in ("most", "least"):
                if extremes[word.get(key)] > 1:
                    word[key] = ""
        return {
            "document": self.domain.noun,
            "documents": many,
            "fields": self.lexicon,
            "absent": list(self._absent(synonyms)),
        }

    def _absent(self, synonyms: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Things that no field holds, some of which the domain could have."""
        used = {put.concept.nouns for put in self.puts}
        words = {stem for noun, others in synonyms.items() for other in (noun, *others) for stem in stems(other)}
        yield from self.random.sample(self.words.absent, 4)
        for kind in ("category", "number", "number", "date"):
            own = fitting(self.words.concepts[kind], self.domain.topics)
            pool = own if own and self.random.random() < 0.5 else self.words.concepts[kind]
            for concept in self.random.sample(pool, min(4, len(pool))):
                if concept.nouns not in used and "*" not in concept.topics:
                    noun = self.random.choice(concept.nouns)
                    if words.isdisjoint(stems(noun)):
                        yield noun


def _writes(concept: Concept) -> bool:
    """Whether the nouns have a verb of writing, such as last update. Questions about them only read."""
    return any(not _WRITING.isdisjoint(noun.split()) for noun in concept.nouns)


def _unit(concept: Concept, field: Mapping[str, Any], name: str) -> str:
    """The unit that a question may use: that of the mapping or of the name, or one that cannot be converted."""
    in_name = not _UNITS_IN_NAMES.isdisjoint(stems(name))
    shown = "meta" in field and "unit" in field["meta"]
    return concept.unit if shown or in_name or concept.unit not in UNITS else ""


def is_plural(noun: str) -> bool:
    """Whether the noun has the form of a plural."""
    head = noun.split(" of ")[0].split(" in ")[0]
    return head.endswith("s") and not head.endswith(("ss", "us", "is"))


def _synonyms(nouns: Sequence[str]) -> Iterator[str]:
    """The nouns with one word replaced."""
    synonyms = table("wordings.toml")["synonyms"]
    for noun in nouns:
        words = noun.split()
        for at, word in enumerate(words):
            for other in synonyms.get(word, ()):
                yield " ".join([*words[:at], other, *words[at + 1 :]])
