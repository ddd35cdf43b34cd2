"""The meaning of vague words for a bundled index, such as long or acclaimed. Every prompt has it.

glossary("movies")   "long means over 2 hours, acclaimed means a Tomatometer of 90 or more"
glossary("mine")     ""
"""

from __future__ import annotations

from dstill_querydsl.questions.templates.lexicons import LEXICONS

__all__ = ["glossary"]


def glossary(index: str) -> str:
    """The named conditions of the index's lexicon. The pack's instructions explain slow, large and failed."""
    conditions = LEXICONS.get(index, {}).get("conditions", ())
    return ", ".join(f"{condition['word']} means {condition['means']}" for condition in conditions)
