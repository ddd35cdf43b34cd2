"""Freely phrased questions about an index, for the training questions of a dataset.

    subject = subject_of(context, profile)
    taken = freely_phrased(subject, 500, Random(0), Trial(Rules()), unlike=Unlike({"show all orders"}, set()))

Their answers pass the checks of all questions, are run, and come back from the linked form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dstill.linked.names import singular
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.questions.free_phrasing.nouns import synonyms_of, with_own_words
from dstill_querydsl.questions.free_phrasing.sentences import draw_question
from dstill_querydsl.questions.free_phrasing.subject import LONGEST, Subject
from dstill_querydsl.questions.invented_schemas.field_phrases import verbs_of_time
from dstill_querydsl.questions.invented_schemas.voices import Voice, say
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import QuestionContext, Skip
from dstill_querydsl.questions.templates.verify import GoldTrial
from dstill_querydsl.questions.templates.words import words_of

__all__ = ["freely_phrased", "subject_of"]

BATCH = 96  # candidates checked together
TRIES = 12  # candidates for each question, before there are no more


def subject_of(context: QuestionContext, profile: IndexProfile) -> Subject:
    """An index that a student reads as `profile`."""
    context = with_own_words(context)
    synonyms, owners = synonyms_of(context), _owners(context)
    return Subject(
        profile=profile,
        context=context,
        synonyms=synonyms,
        singular={role.many: role.word.noun for role in context.roles},
        owners=owners,
        objects=_objects(context),
        date_nouns=_date_nouns(context, owners),
        whole_texts=True,
    )


def _owners(context: QuestionContext) -> Mapping[str, frozenset[str]]:
    owners: dict[str, set[str]] = {}
    for role in context.roles:
        for value in (*role.known.values, *role.word.codes.values()):
            owners.setdefault(str(value).lower(), set()).add(role.field)
    return {value: frozenset(fields) for value, fields in owners.items()}


def _objects(context: QuestionContext) -> tuple[str, ...]:
    """The customer of `customer.name`, or what a document is called."""
    parents = {role.stored.split(".")[-2] for role in context.roles if "." in role.stored}
    return tuple(sorted({singular(" ".join(words_of(parent)).lower()) for parent in parents})) or (
        context.lexicon.document,
    )


def _date_nouns(context: QuestionContext, owners: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """Dates whose verb is not that of another date, nor a value."""
    nouns = [role.word.noun for role in context.by_kind("date")]
    verbs = {noun: verbs_of_time((noun,))[1] for noun in nouns}
    counts = Counter(verb for words in verbs.values() for verb in words)
    return {
        noun: noun
        for noun, words in verbs.items()
        if words and all(counts[verb] == 1 and verb not in owners for verb in words)
    }


def freely_phrased(
    subject: Subject, seed: str, trial: GoldTrial, asked_before: set[str], dropped: Counter[str]
) -> Iterator[ComposedQuestion]:
    """Checked questions that are not in `asked_before` (lower case), which it extends.

    Ends when nearly all candidates are dropped. `dropped` counts them by the reason.
    """
    random, vain = Voice(seed), 0
    while vain < TRIES * BATCH:
        batch: list[ComposedQuestion] = []
        while len(batch) < BATCH and vain < TRIES * BATCH:
            vain += 1
            if (
                composed := _candidate(subject, random, dropped)
            ) and composed.example.question.lower() not in asked_before:
                asked_before.add(composed.example.question.lower())
                batch.append(composed)
        for composed, verdict in zip(batch, trial.verdicts(batch), strict=True):
            if verdict.dropped:
                dropped[verdict.dropped] += 1
            else:
                vain = 0
                yield composed


def _candidate(subject: Subject, random: Voice, dropped: Counter[str]) -> ComposedQuestion | None:
    """A question as some voice says it, if its answer comes back from the linked form."""
    try:
        text, _, composed = say(draw_question(subject, random), subject, random)
    except Skip:
        return None
    if len(text) > LONGEST:
        return None
    example = replace(composed.example, question=text, rationale=_why(subject, composed.body))
    canonical = replace(example, answer=canonical_text(example.answer or ""))
    _, _, problem = subject.round_trip(canonical)
    if problem:
        dropped[problem] += 1
        return None
    return replace(composed, example=example)


def _why(subject: Subject, body: Mapping[str, Any]) -> str:
    """A rationale: the reason of a refusal, or the fields that the answer uses and their types."""
    if "refusal" in body:
        return f"{body['refusal']['reason']}."
    fields = subject.profile.fields
    names = dict.fromkeys(use.name for use in uses(body))
    parts = [f"{name} is {field.type}" for name in names if (field := fields.get(name)) is not None]
    return f"{', '.join(parts)}." if parts else "No field is needed."
