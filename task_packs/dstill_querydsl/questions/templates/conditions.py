"""All conditions: name in a plan → function that makes the clause."""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.questions.templates.clause import Maker
from dstill_querydsl.questions.templates.conditions_dates import DATES
from dstill_querydsl.questions.templates.conditions_nested import NESTED
from dstill_querydsl.questions.templates.conditions_numbers import NUMBERS
from dstill_querydsl.questions.templates.conditions_places import PLACES
from dstill_querydsl.questions.templates.conditions_texts import TEXTS
from dstill_querydsl.questions.templates.conditions_values import VALUES

__all__ = ["CONDITIONS"]

CONDITIONS: Mapping[str, Maker] = {**VALUES, **NUMBERS, **DATES, **TEXTS, **PLACES, **NESTED}
