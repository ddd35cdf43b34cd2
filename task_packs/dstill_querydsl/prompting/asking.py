"""What a teacher is shown with a question: the mapping's fields, some of their values, what words mean.

asked(study, example, shots, Settings())    "Mapping. …\\nValues …\\nNow is …\\nQuestion: …"
"""

from __future__ import annotations

from typing import Sequence

from dstill.api.records import Example
from dstill_querydsl.language import strict
from dstill_querydsl.mapping.index_profile import Study
from dstill_querydsl.mapping.uses import uses
from dstill_querydsl.prompting import fields_of, question_block
from dstill_querydsl.prompting.values import for_teacher
from dstill_querydsl.questions.glossary import glossary
from dstill_querydsl.settings import Settings

__all__ = ["asked"]


def asked(study: Study | None, example: Example, shots: Sequence[Example], config: Settings) -> str:
    """`study` is None where only the index' name is known: then there is only the question."""
    if study is None:
        return question_block(example.question, None, "")
    keep = {use.name for shot in shots for use in uses(strict.read(shot.answer or "").value or {})}
    shown = study.shown(example.question, config.prompt_fields, keep)
    told = for_teacher(study.values, (name for name, _ in fields_of(shown.mapping)), config.example_value_fields)
    words = glossary(str(example.context.get("index", ""))) if study.index.recipe else ""
    return question_block(example.question, shown, study.index.now, told, words)
