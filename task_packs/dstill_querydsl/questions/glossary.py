"""What words without numbers mean for a bundled index: told in every prompt, so that the default is documented.

glossary("movies")   "long means over 2 hours, acclaimed means a Tomatometer of 90 or more"
glossary("mine")     ""
"""

from __future__ import annotations

from dstill_querydsl.questions.lexicons import LEXICONS

__all__ = ["glossary"]


def glossary(index: str) -> str:
    """The conditions of the index' lexicon; those of the pack's instructions need no telling."""
    conditions = LEXICONS.get(index, {}).get("conditions", ())
    return ", ".join(f"{one['word']} means {one['means']}" for one in conditions)
