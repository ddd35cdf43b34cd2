"""Golds are tried before anybody learns from them: four layers of checks, then a run that tells something.

    with Trial(Rules()) as trial:
        [verdict] = trial.verdicts([made])
        verdict.dropped     "" or why: "schema: …", "invalid", "unsupported", "vacuous", "arbitrary"
        verdict.warnings    ("doubtful_type",)

One embedded server for all of it; each index is loaded once. A refusal is only checked for its form.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Iterable, Mapping, Self, Sequence

from dstill.api.records import Outcome, OutcomeKind, Problem
from dstill_querydsl import guard, schema
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.bodies import counts_hits, page, sort_of
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.result_extraction import value_of
from dstill_querydsl.engines.rules import OWN_PREFIX
from dstill_querydsl.guard.mapping import limits_on
from dstill_querydsl.guard.ranges import Bounds, values_of
from dstill_querydsl.language import strict
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.mapping import check
from dstill_querydsl.questions.compose import Made
from dstill_querydsl.results import compare, refusal

__all__ = ["Rules", "Trial", "Verdict"]

AT_ONCE = 4  # requests on their way
LOADING = 300.0  # seconds that a request may take, also where the machine has other work


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What golds are held to, beside their mapping."""

    dialect: str = "elasticsearch9"
    limits: guard.Limits = field(default_factory=guard.Limits)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    dropped: str = ""  # why; empty: the gold holds
    warnings: tuple[str, ...] = ()


class Trial:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._fields: dict[str, tuple[Fields, guard.Limits, Bounds]] = {}
        self._places: dict[str, LoadedIndex] = {}
        self._engine: EmbeddedEngine | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._engine is not None:
            self._engine.close()

    def verdicts(self, candidates: Sequence[Made]) -> list[Verdict]:
        """One for each, in order."""
        checked = [self.checked(made) for made in candidates]
        open_ = [at for at, found in enumerate(checked) if not found.dropped and "refusal" not in candidates[at].body]
        for at in open_:
            self._place(candidates[at].scene.runs)  # loaded before anything runs at once
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for at, reason in zip(open_, pool.map(lambda at: self._run(candidates[at]), open_), strict=True):
                checked[at] = Verdict(dropped=reason, warnings=checked[at].warnings)
        return checked

    # --- layers -------------------------------------------------------------------------

    def checked(self, made: Made) -> Verdict:
        """The four layers alone, without a run."""
        problems = list(self._problems(made))
        errors = [problem for problem in problems if problem.is_error]
        if errors:
            return Verdict(dropped=f"{errors[0].layer}: {errors[0].code}")
        return Verdict(warnings=tuple(problem.code for problem in problems))

    def _problems(self, made: Made) -> Iterable[Problem]:
        yield from strict.read(made.example.answer or "").problems
        if "refusal" in made.body:
            yield from refusal.check(made.body)
            return
        fields, limits, ranges = self._of(made.scene.index)
        yield from schema.check(dict(made.body), self.rules.dialect)
        yield from check.check(made.body, fields)
        yield from guard.check(dict(made.body), limits, ranges)

    def _of(self, index: Index) -> tuple[Fields, guard.Limits, Bounds]:
        if index.digest not in self._fields:
            limits = self.rules.limits
            narrowed = limits_on(index.mapping, limits) if limits.restricts_fields else limits
            fields = Fields.of(index.mapping)
            self._fields[index.digest] = (fields, narrowed, values_of(fields, index.values.only(narrowed.allows)))
        return self._fields[index.digest]

    # --- running ------------------------------------------------------------------------

    def _place(self, index: Index) -> LoadedIndex:
        digest = index.digest
        if digest not in self._places:
            self._engine = self._engine or EmbeddedEngine(timeout=LOADING)
            name = f"{OWN_PREFIX}questions-{secrets.token_hex(4)}"
            self._places[digest] = LoadedIndex.load(
                self._engine, name, index.mapping, index.documents(), index.settings, now=index.now
            )
        return self._places[digest]

    def _run(self, made: Made) -> str:
        """Why the gold does not hold, or nothing. One request: a sorted page asks for one hit more than its own."""
        place = self._place(made.scene.runs)
        if place.unsupported.reason(made.body):
            return "unsupported"
        body = place.frozen(made.body)
        asked: dict[str, Any] = {**body, "track_total_hits": True}
        if sort_of(body) is not None and counts_hits(body):
            asked["size"] = page(body)[1] + 1
        outcome = place.engine.search(place.name, asked)
        if outcome.kind is not OutcomeKind.OK:
            return outcome.kind.value
        value = _value(made.body, outcome)
        if compare.vacuous(value, place.documents):
            return "vacuous"
        return "arbitrary" if compare.arbitrary(value) else ""


def _value(body: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The reply as `compare` reads it, out of the one request."""
    value = value_of(body, outcome.raw)
    size = page(body)[1]
    hits, after = value["hits"][:size], value["hits"][size:]
    matched = {"count": value["total"]["value"], "digest": None}
    return {**value, "hits": hits, "matched": matched, "next": after[0].get("sort") if after else None}
