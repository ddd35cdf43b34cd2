"""Nouns for an index that nobody described: what people may call its documents and its fields.

    with_own_words(context).lexicon.documents   ("tickets", "documents", …), from the name of the index
    synonyms_of(context)["bld tm"]                    ("bld_tm", "build time", …)

Other words for a field come from its name and its description, and from the concept of words.toml that has its name. A
word that two fields could have is none. There are no synonyms: with one other word at hand, most questions would have
it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dstill.linked.names import singular, stems
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.questions.invented_schemas.schemas import is_plural
from dstill_querydsl.questions.invented_schemas.vocabulary import Concept, vocabulary
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.lexicon import Lexicon
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import words_of

__all__ = ["synonyms_of", "with_own_words"]

_SHORTEST = 4  # letters of an abbreviation
_SHORT = 4  # words of a description that is a noun


def synonyms_of(context: QuestionContext) -> Mapping[str, tuple[str, ...]]:
    """Noun of a field → other words for it."""
    fields = Fields.of(context.index.mapping)
    by_noun = {role.word.noun: tuple(dict.fromkeys(_others(role, fields))) for role in context.roles}
    counts = Counter(other.lower() for others in by_noun.values() for other in others)
    taken = {noun.lower() for noun in by_noun}
    return {
        noun: tuple(other for other in others if counts[other.lower()] == 1 and other.lower() not in taken)
        for noun, others in by_noun.items()
    }


def _others(role: Role, fields: Fields) -> Iterator[str]:
    leaf = role.field.rpartition(".")[2]
    own = " ".join(words_of(leaf)).lower()
    yield own
    field = fields.get(role.field)
    meta = field.options.get("meta") if field else None
    for text in meta.values() if isinstance(meta, Mapping) else ():
        words = str(text).split()
        if 1 < len(words) <= _SHORT and str(text).isprintable():
            yield " ".join(words).lower().rstrip(".")
    concepts = [entry for entry in vocabulary().concepts.get(role.kind, ()) if own in (entry.nouns[0], *_names(entry))]
    if len(concepts) == 1:
        yield from concepts[0].nouns
    yield leaf
    yield role.field


def _names(concept: Concept) -> Iterator[str]:
    """Its names for fields, without those of two or three letters, which mean many things."""
    yield from (name.replace("_", " ") for name in concept.names if len(name) >= _SHORTEST)


def with_own_words(context: QuestionContext) -> QuestionContext:
    """The context in which documents are also called by the name of the index, if that is a plural.

    Nouns of fields that are plurals have no other plural.
    """
    lexicon, basics = context.lexicon, Lexicon()
    words = words_of(context.index.name)
    name = " ".join(words).lower()
    noun = " ".join((*words[:-1], singular(words[-1]))).lower() if words else ""
    usual = lexicon.documents == basics.documents and re.fullmatch(r"[a-z]{3,}( [a-z]{3,})?", name)
    if usual and noun != name and context.vocabulary.isdisjoint(stems(name)):
        lexicon = replace(lexicon, document=noun, documents=(name, *lexicon.documents))
    return replace(context, lexicon=lexicon, roles=tuple(map(_with_plural, context.roles)))


def _with_plural(role: Role) -> Role:
    noun = role.word.noun
    return replace(role, word=replace(role.word, nouns=role.word.nouns or noun)) if is_plural(noun) else role
