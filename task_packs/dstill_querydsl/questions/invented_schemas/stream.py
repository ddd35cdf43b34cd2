"""The stream of questions about invented schemas.

    for question in stream(seed=0): …      endless; the same seed gives the same questions

A pool of schemas is kept, one of which is replaced now and then. Each question is read and its answer written and read
back in the linked form. What does not come back the same is dropped, and `Counts` says how much that was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from dstill.api.form import Token
from dstill.api.records import Example
from dstill.linked import Reading
from dstill.synthesis.plans import Skip as NothingToAsk
from dstill_querydsl.language import guard
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.formal import formal
from dstill_querydsl.questions.formal.subject import subject_of
from dstill_querydsl.questions.free_phrasing.sentences import draw_question
from dstill_querydsl.questions.free_phrasing.subject import LONGEST
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema, invent
from dstill_querydsl.questions.invented_schemas.voices import Voice, say
from dstill_querydsl.questions.templates.compose import ComposedQuestion, compose
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.plan import SHARES, TEMPLATES, Template

__all__ = ["Counts", "InventedQuestion", "replay", "stream"]

POOL = 64  # schemas
SCHEMA_LIFE = 24  # questions, after which a schema is replaced
TRIES = 8  # documents of a schema, and schemas, tried for one template
TELLER_SHARE = 0.75  # share of questions that are put into words at the end, where their style allows it
_OPEN_STYLES = ("terse", "typo")  # they need the words while they are composed
FORMAL_SHARE = 0.55  # of formal questions in `replay`
FREE_SHARE = 0.6  # share of freely phrased questions
# Lanes without a place here: schemas differ anyway, and a mapping's description is not read.
_LANES_WITHOUT = ("schema_variant", "adversarial, poisoned")
# Other shares than `plan` has: what a base was weak at.
_SHARES = {"exists": 7, "refusal": 9, "histogram": 7, "adversarial": 2, "typo": 2, "prefix": 4}


Row = tuple[Reading, Sequence[Token]]


@dataclass(frozen=True, kw_only=True)
class InventedQuestion:
    """One question with its answer, as it was read and written."""

    example: Example  # the answer in canonical form; no id, no split
    domain: str
    voice: str  # how it is said: plain, framed, keywords, lower
    profile: IndexProfile  # the mapping and the known values
    reading: Reading
    tokens: Sequence[Token]
    composed: ComposedQuestion  # what it was composed from, with documents

    @property
    def text(self) -> str:
        """The question."""
        return self.example.question

    @property
    def answer(self) -> str:
        """The answer in canonical form."""
        return self.example.answer or ""


@dataclass
class Counts:
    """Numbers of questions that a stream made and dropped."""

    made: Counter[str] = field(default_factory=Counter)  # by category
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    schemas: int = 0
    fields: int = 0

    @property
    def round_trip(self) -> float:
        """The share of questions whose answer the linked form gives back."""
        return self.made.total() / max(1, self.made.total() + self.dropped.total())


def stream(seed: int, counts: Counts | None = None) -> Iterator[InventedQuestion]:
    """Endless questions. The same seed gives the same questions."""
    random, counts = Voice(f"invented {seed}"), counts or Counts()
    lanes = _lanes()
    names, weights = tuple(lanes), tuple(_SHARES.get(lane, SHARES[lane]) for lane in lanes)
    pool = [_schema(random, counts) for _ in range(TRIES)]
    number = 0
    while True:
        if random.random() < FREE_SHARE:
            draft = _freely_phrased(pool, random)
        else:
            draft = _composed(pool, random.choice(lanes[random.choices(names, weights)[0]]), random)
        if draft is None:
            continue
        if (question := _question(*draft, random, counts)) is not None:
            yield question
            number += 1
            if len(pool) < POOL:
                pool.append(_schema(random, counts))
            elif number % SCHEMA_LIFE == 0:
                pool[number // SCHEMA_LIFE % POOL] = _schema(random, counts)


def replay(seed: int) -> Iterator[Row]:
    """Readings of these and of formal questions, and the tokens of their answers, for `dstill.api.form.Form.replay`."""
    random = Random(f"replay {seed}")
    phrased = ((question.reading, question.tokens) for question in stream(seed))
    sources = (phrased, _formal(random))
    while True:
        yield next(random.choices(sources, (1 - FORMAL_SHARE, FORMAL_SHARE))[0])


def _formal(random: Random) -> Iterator[Row]:
    """Formal questions about invented schemas."""
    while True:
        schema = invent(random)
        about = subject_of(schema.context.roles, schema.context.lexicon.document, random, schema.synonyms)
        for _ in range(SCHEMA_LIFE):
            try:
                question, body = formal(about, random)
            except NothingToAsk:
                break
            answer = canonical_text(json.dumps(body))
            reading, tokens, problem = schema.round_trip(Example(id="", question=question, answer=answer))
            if not problem:
                yield reading, tokens


def _lanes() -> Mapping[str, Sequence[Template]]:
    """Lane → its templates, without those that are held out."""
    lanes: dict[str, list[Template]] = {}
    for template in TEMPLATES:
        if not template.held_out and template.lane not in _LANES_WITHOUT:
            lanes.setdefault(template.lane, []).append(template)
    return lanes


def _schema(random: Voice, counts: Counts) -> InventedSchema:
    schema = invent(random)
    counts.schemas += 1
    counts.fields += len(schema.context.roles)
    return schema


def _composed(
    pool: Sequence[InventedSchema], template: Template, random: Voice
) -> tuple[InventedSchema, ComposedQuestion] | None:
    """A question of a template, about a schema that has fields for it."""
    random.defers = template.style not in _OPEN_STYLES and random.random() < TELLER_SHARE
    for schema in random.sample(pool, TRIES):
        for _ in range(TRIES):
            try:
                return schema, compose(schema.context, template, random)
            except Skip:
                continue
    return None


def _freely_phrased(pool: Sequence[InventedSchema], random: Voice) -> tuple[InventedSchema, ComposedQuestion] | None:
    """A freely phrased question about one of the schemas."""
    for schema in random.sample(pool, TRIES):
        try:
            return schema, draw_question(schema, random)
        except Skip:
            continue
    return None


def _question(
    schema: InventedSchema, composed: ComposedQuestion, random: Voice, counts: Counts
) -> InventedQuestion | None:
    """The question as some voice says it. None if it is too long, or if its answer does not come back."""
    if _is_too_fine(composed, schema):
        return None
    text, manner, composed = say(composed, schema, random)
    if len(text) > LONGEST:
        return None
    example = replace(composed.example, question=text, answer=canonical_text(composed.example.answer or ""))
    reading, tokens, problem = schema.round_trip(example)
    if problem:
        counts.dropped[problem] += 1
        return None
    counts.made[example.category] += 1
    return InventedQuestion(
        example=example,
        domain=schema.domain,
        voice=manner,
        profile=schema.profile,
        reading=reading,
        tokens=tokens,
        composed=composed,
    )


def _is_too_fine(composed: ComposedQuestion, schema: InventedSchema) -> bool:
    """Whether a histogram has more buckets than the guard allows. Other golds pass it."""
    if not any("histogram" in name for group in composed.body.get("aggs", {}).values() for name in group):
        return False
    return any(guard.check(dict(composed.body), schema.profile.limits, schema.profile.ranges))
