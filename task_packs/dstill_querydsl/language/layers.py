"""The layers of checks that an answer passes: json, schema, mapping, sense, guard.

    [check.name for check in layers(Settings(), profiles)]    → ["json", "schema", "mapping", "sense", "guard"]

``mapping`` applies only if the mapping of the example's index is known; without it, ``sense``, whose problems are
warnings, knows no values. A refusal is checked by ``json``
and ``schema`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dstill.api.records import Example, Problem
from dstill.api.task import Check
from dstill_querydsl.language import guard, schema, sense, strict
from dstill_querydsl.language.mapping import check, values_check
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
from dstill_querydsl.language.results import refusal
from dstill_querydsl.settings import Settings

__all__ = ["layers"]


def layers(config: Settings, profiles: IndexProfiles) -> tuple[Check, ...]:
    """The checks, in the order in which they run."""

    def is_known(example: Example) -> bool:
        return profiles.of(example) is not None

    def in_json(_example: Example, answer: str) -> Iterable[Problem]:
        return strict.read(answer).problems

    def in_schema(_example: Example, answer: str) -> Iterable[Problem]:
        value = _body(answer)
        return refusal.check(value) if "refusal" in value else schema.check(value, config.dialect)

    def in_mapping(example: Example, answer: str) -> Iterable[Problem]:
        profile, value = profiles.of(example), _body(answer)
        return () if profile is None or "refusal" in value else check.check(value, profile.fields)

    def in_sense(example: Example, answer: str) -> Iterable[Problem]:
        profile, value = profiles.of(example), _body(answer)
        if "refusal" in value:
            return ()
        known = values_check.check(value, profile.fields, profile.values) if profile else ()
        return (*known, *sense.check(value))

    def in_guard(example: Example, answer: str) -> Iterable[Problem]:
        profile, value = profiles.of(example), _body(answer)
        if "refusal" in value:
            return ()
        limits, ranges = (profile.limits, profile.ranges) if profile else (config.guard, {})
        known = (value, limits, ranges, config.dialect)
        return (*guard.check(*known), *guard.notes(*known))

    return (
        Check("json", in_json, parses=True, cause="not JSON"),
        Check("schema", in_schema),
        Check("mapping", in_mapping, applies=is_known),
        Check("sense", in_sense),
        Check("guard", in_guard),
    )


def _body(answer: str) -> dict[str, Any]:
    return strict.read(answer).value or {}
