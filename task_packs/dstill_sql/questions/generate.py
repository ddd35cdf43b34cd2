"""Checked questions about a database, in the shares of their categories, and the splits of a dataset.

    for example in questions([Source(view=view, context={"db": "shop"})], n=500, seed=0, tally=Tally()): …

The same seed and databases give the same questions. The share of a category that the databases have nothing for goes
to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

from dstill.api.records import Example
from dstill_sql.language.canonical import canonical_text
from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.compose import Composed, compose
from dstill_sql.questions.draw import Skip
from dstill_sql.questions.entities import View
from dstill_sql.questions.plan import SHARES, TEMPLATES, Template
from dstill_sql.questions.tally import Tally
from dstill_sql.questions.trial import GoldTrial

__all__ = ["Source", "questions", "splits"]

_TRIES = 30  # rows of a database drawn for one question
_SOURCES = 4  # databases tried for it before its template counts as exhausted
_DROPS = 25  # golds of one template in a row that are not good before it counts as exhausted


@dataclass(frozen=True, kw_only=True)
class Source:
    """A database that questions are about, and the context that they get."""

    view: View
    context: Mapping[str, Any]
    weight: float = 1.0  # how often it is drawn


class _Stream:
    """Endless new questions until every template is exhausted."""

    def __init__(
        self,
        sources: Sequence[Source],
        templates: Sequence[Template],
        random: Random,
        trial: GoldTrial,
        tally: Tally,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.sources, self.random, self.trial, self.tally = sources, random, trial, tally
        self.shares = weights or SHARES
        self.live: dict[str, list[Template]] = {}
        for template in templates:
            if self.shares.get(template.category):
                self.live.setdefault(template.category, []).append(template)
        self.counts: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()

    def made(self, seen: set[str]) -> Iterator[Composed]:
        """Questions that are not in `seen` (lower case), which it extends."""
        while self.live:
            category = min(self.live, key=lambda name: ((self.counts[name] + 0.5) / self.shares[name], name))
            template = self.random.choice(self.live[category])
            candidate = self._candidate(template, seen)
            if candidate is None:
                self._exhaust(template)
                continue
            source, composed = candidate
            if composed.query is not None and (reason := self.trial.refusal(source.view, composed.query)):
                self.tally.dropped[reason] += 1
                self.drops[template.name] += 1
                if self.drops[template.name] >= _DROPS:
                    self._exhaust(template)
                continue
            seen.add(composed.example.question.lower())
            self.drops[template.name] = 0
            self.counts[category] += 1
            yield composed

    def _candidate(self, template: Template, seen: set[str]) -> tuple[Source, Composed] | None:
        for _ in range(min(len(self.sources), _SOURCES)):
            source = self.random.choices(self.sources, [source.weight for source in self.sources])[0]
            for _ in range(_TRIES):
                try:
                    composed = compose(source.view, template, self.random, source.context)
                except Skip:
                    continue
                if composed.example.question.lower() not in seen:
                    return source, composed
        return None

    def _exhaust(self, template: Template) -> None:
        left = [other for other in self.live.get(template.category, ()) if other != template]
        if left:
            self.live[template.category] = left
        else:
            self.live.pop(template.category, None)


def questions(
    sources: Sequence[Source],
    n: int,
    seed: int,
    dialect: Dialect,
    *,
    tally: Tally | None = None,
    focus: Mapping[str, Any] | None = None,
    name: str = "",
) -> Iterator[Example]:
    """At most `n` different questions. `focus`: how often a student failed on ``categories`` and ``templates``."""
    tally = Tally() if tally is None else tally
    random = Random(f"{name} {seed} {'focus' if focus else 'questions'}")
    chosen, weights = _focused(focus)
    with GoldTrial(dialect) as trial:
        stream = _Stream(sources, chosen, random, trial, tally, weights).made(set())
        for number in range(n):
            composed = next(stream, None)
            if composed is None:
                return
            tally.made[composed.example.category] += 1
            yield replace(composed.example, id=f"{name}-{seed}-{number:05d}")


def _focused(focus: Mapping[str, Any] | None) -> tuple[Sequence[Template], Mapping[str, float] | None]:
    if not focus:
        return TEMPLATES, None
    categories = {name: float(count) for name, count in focus.get("categories", {}).items() if name in SHARES}
    weak = focus.get("templates", {})
    chosen = [template for template in TEMPLATES if template.category in categories and not template.held_out]
    return [template for template in chosen for _ in range(1 + min(4, int(weak.get(template.name, 0))))], categories


def splits(
    sources: Sequence[Source],
    rows: int,
    seed: int,
    dialect: Dialect,
    *,
    name: str,
    tally: Tally | None = None,
    variants: Sequence[Source] = (),
) -> dict[str, list[Example]]:
    """`rows` questions for training, and smaller splits in proportion. `variants`: training alone is about them too.

    No question is in two splits. `test_unseen_templates` has the held-out templates, and no gold of another split.
    """
    tally = Tally() if tally is None else tally
    random, seen = Random(f"{name} {seed} splits"), set[str]()
    usual = [t for t in TEMPLATES if not t.held_out]
    by_split: dict[str, list[Example]] = {}
    with GoldTrial(dialect) as trial:
        stream = _Stream([*sources, *variants], usual, random, trial, tally).made(seen)
        by_split["train"] = [composed.example for composed in islice(stream, rows)]
        trained = {row.template for row in by_split["train"]}
        stream = _Stream(sources, [t for t in usual if t.name in trained], random, trial, tally).made(seen)
        by_split["validation"] = [composed.example for composed in islice(stream, max(1, rows // 30))]
        by_split["test"] = [composed.example for composed in islice(stream, max(1, rows // 15))]
        usually = {str(source.context.get("db", "")) for source in sources}  # no variant has a gold of theirs
        golds = {_gold(row, dialect) for part in by_split.values() for row in part if _db(row) in usually}
        stream = _Stream(sources, [t for t in TEMPLATES if t.held_out], random, trial, tally).made(seen)
        new = (composed.example for composed in stream if _gold(composed.example, dialect) not in golds)
        by_split["test_unseen_templates"] = list(islice(new, max(1, rows // 20)))
    return {
        split: [replace(row, id=f"{name}-{seed}-{split}-{number:05d}", split=split) for number, row in enumerate(part)]
        for split, part in by_split.items()
    }


def _gold(example: Example, dialect: Dialect) -> tuple[str, str]:
    return canonical_text(example.answer or "", dialect), _db(example)


def _db(example: Example) -> str:
    return str(example.context.get("db", ""))
