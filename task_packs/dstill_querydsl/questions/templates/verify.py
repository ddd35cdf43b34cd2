"""Check golds before they are used for training: by four layers of checks, and by a run.

    with GoldTrial(Rules()) as trial:
        [verdict] = trial.verdicts([made])
        verdict.dropped     "" or a reason: "schema: …", "invalid", "unsupported", "vacuous", "arbitrary"
        verdict.warnings    ("doubtful_type",)

All golds run on one embedded engine, which loads each index once. Only the form of a refusal is checked.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from dstill.api.records import Outcome, OutcomeKind, Problem
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.bodies import counts_hits, page, sort_of
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.result_extraction import value_of
from dstill_querydsl.engines.rules import OWN_PREFIX
from dstill_querydsl.language import guard, schema, strict
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.language.guard.ranges import Bounds, values_of
from dstill_querydsl.language.mapping import check
from dstill_querydsl.language.results import compare, refusal
from dstill_querydsl.questions.templates.compose import ComposedQuestion

__all__ = ["GoldTrial", "GoldVerdict", "Rules"]

CONCURRENCY = 4  # concurrent requests
TIMEOUT = 300.0  # timeout of a request in seconds, long enough for a busy machine


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules that golds have to meet, besides their mapping."""

    dialect: str = "elasticsearch9"
    limits: guard.Limits = field(default_factory=guard.Limits)


@dataclass(frozen=True, kw_only=True)
class GoldVerdict:
    """The result of checking one gold."""

    dropped: str = ""  # the reason. Empty: the gold is good
    warnings: tuple[str, ...] = ()


class GoldTrial:
    """Checks golds. A context manager, which stops the engine at the end."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._fields: dict[str, tuple[Fields, guard.Limits, Bounds]] = {}
        self._indices: dict[str, LoadedIndex] = {}
        self._engine: EmbeddedEngine | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._engine is not None:
            self._engine.close()

    def verdicts(self, candidates: Sequence[ComposedQuestion]) -> list[GoldVerdict]:
        """A verdict for each candidate, in their order."""
        checked = [self.checked(each) for each in candidates]
        open_ = [
            at for at, verdict in enumerate(checked) if not verdict.dropped and "refusal" not in candidates[at].body
        ]
        for at in open_:
            self._loaded(candidates[at].context.trial_index)  # load before the concurrent runs
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for at, reason in zip(open_, pool.map(lambda at: self._run(candidates[at]), open_), strict=True):
                checked[at] = GoldVerdict(dropped=reason, warnings=checked[at].warnings)
        return checked

    # --- layers -------------------------------------------------------------------------

    def checked(self, composed: ComposedQuestion) -> GoldVerdict:
        """The verdict of the four layers, without a run."""
        problems = list(self._problems(composed))
        errors = [problem for problem in problems if problem.is_error]
        if errors:
            return GoldVerdict(dropped=f"{errors[0].layer}: {errors[0].code}")
        return GoldVerdict(warnings=tuple(problem.code for problem in problems))

    def _problems(self, composed: ComposedQuestion) -> Iterable[Problem]:
        yield from strict.read(composed.example.answer or "").problems
        if "refusal" in composed.body:
            yield from refusal.check(composed.body)
            return
        fields, limits, ranges = self._facts(composed.context.index)
        yield from schema.check(dict(composed.body), self.rules.dialect)
        yield from check.check(composed.body, fields)
        yield from guard.check(dict(composed.body), limits, ranges)

    def _facts(self, index: Index) -> tuple[Fields, guard.Limits, Bounds]:
        if index.digest not in self._fields:
            limits = self.rules.limits
            narrowed = limits_on(index.mapping, limits) if limits.restricts_fields else limits
            fields = Fields.of(index.mapping)
            self._fields[index.digest] = (fields, narrowed, values_of(fields, index.values.only(narrowed.allows)))
        return self._fields[index.digest]

    # --- running ------------------------------------------------------------------------

    def _loaded(self, index: Index) -> LoadedIndex:
        digest = index.digest
        if digest not in self._indices:
            self._engine = self._engine or EmbeddedEngine(timeout=TIMEOUT)
            name = f"{OWN_PREFIX}questions-{secrets.token_hex(4)}"
            self._indices[digest] = LoadedIndex.load(
                self._engine, name, index.mapping, index.documents(), index.settings, now=index.now
            )
        return self._indices[digest]

    def _run(self, composed: ComposedQuestion) -> str:
        """Why the gold is not good. Empty if it is. For a sorted page, the one request asks for one more hit."""
        loaded = self._loaded(composed.context.trial_index)
        if loaded.unsupported.reason(composed.body):
            return "unsupported"
        body = loaded.frozen(composed.body)
        request: dict[str, Any] = {**body, "track_total_hits": True}
        if sort_of(body) is not None and counts_hits(body):
            request["size"] = page(body)[1] + 1
        outcome = loaded.engine.search(loaded.name, request)
        if outcome.kind is not OutcomeKind.OK:
            return outcome.kind.value
        value = _value(composed.body, outcome)
        if compare.is_trivial(value, loaded.documents):
            return "vacuous"
        return "arbitrary" if compare.is_nondeterministic(value) else ""


def _value(body: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The reply of that request in the form that `compare` reads."""
    value = value_of(body, outcome.raw)
    size = page(body)[1]
    hits, after = value["hits"][:size], value["hits"][size:]
    matched = {"count": value["total"]["value"], "digest": None}
    return {**value, "hits": hits, "matched": matched, "next": after[0].get("sort") if after else None}
