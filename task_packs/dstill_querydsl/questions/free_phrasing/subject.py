"""The subject of freely phrased questions: an index, what a student reads of it, and what people call its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dstill.api.form import NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Reading
from dstill.linked.known import folded
from dstill.linked.names import stems
from dstill_querydsl.form.items import first_date
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.form.tokens import split
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.roles import Role

__all__ = ["LONGEST", "Subject"]

LONGEST = 400  # characters of a question
_SPELLED = re.compile(r"(?:^| )'[A-Za-z](?: |$)")  # a letter of a value that the question does not have
_DATE_MATH = re.compile(r"'n 'o 'w '[+-] '\d '[dwMy] '/ '[dwMy]")  # "tomorrow" has no word for now+2d/d


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One index."""

    profile: IndexProfile  # what a student reads
    context: QuestionContext  # what questions are made from
    synonyms: Mapping[str, tuple[str, ...]]  # noun of a field → other words for it
    singular: Mapping[str, str]  # plural → noun
    owners: Mapping[str, frozenset[str]]  # a value in lower case, or what people say for it → fields that have it
    objects: tuple[str, ...]  # what its documents are about or belong to, such as "customer"
    date_nouns: Mapping[str, str]  # noun of a date → the usual noun for it, whose verb is said for this date too
    sisters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Two fields with the same values, or none → words for conditions on them."""
    key: Role | None = None  # the number or id of a document: people name one by it, and neither group nor count
    whole_texts: bool = False  # a text with a keyword sub-field and few values is a category too

    @cached_property
    def form(self) -> QueryForm:
        """The linked form for this index alone, so that it goes when the index goes."""
        return QueryForm(lambda _: self.profile)

    @cached_property
    def first_date(self) -> str:
        """The date field that a question means if it names none. Empty if there is no date."""
        return first_date(self.profile.fields)

    @cached_property
    def spoken(self) -> frozenset[str]:
        """All words for fields and in values: a thing with none of them is in no field."""
        nouns = (other for noun, others in self.synonyms.items() for other in (noun, *others))
        words = (word for text in (*nouns, *self.owners, *self.having) for word in stems(text))
        return self.context.vocabulary.union(words)

    @cached_property
    def having(self) -> Mapping[str, frozenset[str]]:
        """Known value, as `folded` writes it → the fields that have it, without sub-fields."""
        having: dict[str, set[str]] = {}
        roots = {role.keyword: role.field for role in self.context.roles}
        for name in self.profile.values:
            known = self.profile.values.get(name)
            for value in known.values if known else ():
                if isinstance(value, str):
                    having.setdefault(folded(value), set()).add(roots.get(name, name))
        return {value: frozenset(fields) for value, fields in having.items()}

    def is_category(self, role: Role) -> bool:
        """Whether questions mean whole values of the field."""
        text = self.whole_texts and role.kind == "text" and bool(role.exact) and role.known.complete
        return role.kind == "category" or text

    def round_trip(self, example: Example) -> tuple[Reading, Sequence[Token], str]:
        """The example as it is read, its answer as tokens, and why they are no good. Empty: they are."""
        answer = example.answer or ""  # in canonical form
        reading = self.form.read(example)
        try:
            tokens = self.form.encode(answer, reading)
            back = canonical_text(self.form.decode(tokens, reading))
        except NotExpressible:
            return reading, (), "not expressible"
        if example.template.startswith("asked/") and _SPELLED.search(
            _DATE_MATH.sub("", " ".join(map(str, split(tokens))))
        ):
            return reading, (), "spelled"
        return reading, tokens, "" if back == answer else "not the same"
