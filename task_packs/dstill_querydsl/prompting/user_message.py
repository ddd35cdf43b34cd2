r"""The teacher's message about one question: fields of the mapping, values, meanings of words, and the question.

user_message(profile, example, shots, Settings())    "Mapping. …\nValues …\nNow is …\nQuestion: …"
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.records import Example
from dstill_querydsl.language import strict
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.prompting import fields_of, question_block
from dstill_querydsl.prompting.values import for_teacher
from dstill_querydsl.questions.templates.glossary import glossary
from dstill_querydsl.settings import Settings

__all__ = ["user_message"]


def user_message(profile: IndexProfile | None, example: Example, shots: Sequence[Example], config: Settings) -> str:
    """The message about one example. Without a profile it is only the question."""
    if profile is None:
        return question_block(example.question, None, "")
    keep = {use.name for shot in shots for use in uses(strict.read(shot.answer or "").value or {})}
    shown = profile.shown(example.question, config.prompt_fields, keep)
    values = for_teacher(profile.values, (name for name, _ in fields_of(shown.mapping)), config.example_value_fields)
    words = glossary(str(example.context.get("index", ""))) if profile.index.recipe else ""
    words = ", ".join(filter(None, (words, profile.terms.glossary.text)))
    return question_block(example.question, shown, profile.index.now, values, words)
