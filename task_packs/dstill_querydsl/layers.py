"""The pack's layers of checks over an answer: json, schema, mapping, values, guard.

    [check.name for check in layers(Settings(), studies)]    → ["json", "schema", "mapping", "values", "guard"]

``mapping`` and ``values`` apply only where the mapping of the example's index is known. Of a refusal only the first
two layers say anything.
"""

from __future__ import annotations

from typing import Any, Iterable

from dstill.api.records import Example, Problem
from dstill.api.task import Check
from dstill_querydsl import guard, schema
from dstill_querydsl.language import strict
from dstill_querydsl.mapping import check, values_check
from dstill_querydsl.results import refusal
from dstill_querydsl.settings import Settings
from dstill_querydsl.studies import Studies

__all__ = ["layers"]


def layers(config: Settings, studies: Studies) -> tuple[Check, ...]:
    def is_known(example: Example) -> bool:
        return studies.of(example) is not None

    def in_json(example: Example, answer: str) -> Iterable[Problem]:
        return strict.read(answer).problems

    def in_schema(example: Example, answer: str) -> Iterable[Problem]:
        value = _body(answer)
        return refusal.check(value) if "refusal" in value else schema.check(value, config.dialect)

    def in_mapping(example: Example, answer: str) -> Iterable[Problem]:
        study, value = studies.of(example), _body(answer)
        return () if study is None or "refusal" in value else check.check(value, study.fields)

    def in_values(example: Example, answer: str) -> Iterable[Problem]:
        study, value = studies.of(example), _body(answer)
        return () if study is None or "refusal" in value else values_check.check(value, study.fields, study.values)

    def in_guard(example: Example, answer: str) -> Iterable[Problem]:
        study, value = studies.of(example), _body(answer)
        if "refusal" in value:
            return ()
        limits, ranges = (study.limits, study.ranges) if study else (config.guard, {})
        return (*guard.check(value, limits, ranges), *guard.notes(value))

    return (
        Check("json", in_json, parses=True, cause="not JSON"),
        Check("schema", in_schema),
        Check("mapping", in_mapping, applies=is_known),
        Check("values", in_values, applies=is_known),
        Check("guard", in_guard),
    )


def _body(answer: str) -> dict[str, Any]:
    return strict.read(answer).value or {}
