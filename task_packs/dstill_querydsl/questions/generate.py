"""Questions for an index, tried and shared out over the categories; and the splits of a data set.

    tally = Tally()
    for example in questions(index, n=500, seed=0, rules=Rules(), tally=tally): …
    tally.dropped       {"vacuous": 31}: candidates that were drawn, tried and not used

Both are the same bytes for the same seed and index. Categories come in their shares of `plan`,
to within one question: those that the mapping has no fields for leave theirs to the others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Iterator, Mapping, Sequence

from dstill.api.records import Example
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.questions.compose import Made, compose
from dstill_querydsl.questions.context import Skip
from dstill_querydsl.questions.contexts import Scenes
from dstill_querydsl.questions.focus_weights import Weak
from dstill_querydsl.questions.plan import SHARES, TEMPLATES, Template
from dstill_querydsl.questions.roles import Left
from dstill_querydsl.questions.verify import Rules, Trial

__all__ = ["Tally", "made_questions", "questions", "splits"]

TRIES = 30  # documents to look at for one question before a template counts as exhausted
BATCH = 96  # candidates tried together
SHOWN = 5  # names in one remark
DROPS = 12  # candidates of one template dropped in a row before it counts as exhausted


@dataclass
class Tally:
    """What was drawn, used, dropped and warned of."""

    made: Counter[str] = field(default_factory=Counter)  # by category
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    warnings: Counter[str] = field(default_factory=Counter)  # by code
    unsure: int = 0  # fields of which nothing is known
    left: Left = field(default_factory=Left)  # what no question was made of

    @property
    def drop_rate(self) -> float:
        dropped = self.dropped.total()
        return dropped / max(1, dropped + self.made.total())

    def remarks(self) -> Iterator[str]:
        """What a person should know of it, a line each."""
        if not self.made:
            return
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        yield f"{self.dropped.total()} candidates were dropped ({self.drop_rate:.1%}){': ' if dropped else ''}{dropped}"
        if self.unsure:
            yield f"warning: of {self.unsure} fields no values are known, made-up ones stand in the questions"
        if self.warnings:
            yield "warnings of the checks: " + ", ".join(f"{n} {code}" for code, n in self.warnings.most_common())
        if self.left.beyond:
            rest = f"{self.left.beyond:,} of its fields have no questions"
            yield f"the mapping is wide: {rest}, those with values come first"
        if self.left.types:
            types = ", ".join(f"{count} {name}" for name, count in self.left.types.most_common())
            yield f"warning: no questions are made of {self.left.types.total()} fields: {types}"
        if self.left.strangers:
            names = _some(self.left.strangers)
            yield f"warning: values of {len(self.left.strangers)} fields that the mapping has not: {names}"
        if self.left.misfits:
            yield f"warning: {len(self.left.misfits)} values do not fit their field: {_some(self.left.misfits)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


class _Stream:
    """Questions that are not in `asked` yet, until every template is exhausted."""

    def __init__(
        self,
        scenes: Scenes,
        templates: Sequence[Template],
        random: Random,
        trial: Trial,
        tally: Tally,
        weak: Weak | None = None,
    ) -> None:
        self.scenes, self.random, self.trial, self.tally, self.weak = scenes, random, trial, tally, weak
        self.shares: Mapping[str, float] = _shares(weak) if weak else SHARES
        self.live: dict[str, list[Template]] = {}
        for template in templates:
            if scenes.has(template.style):
                self.live.setdefault(template.lane, []).append(template)
        self.counts: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()

    def made(self, asked: set[str]) -> Iterator[Made]:
        while self.live:
            batch = self._batch(asked)
            for (template, made), verdict in zip(batch, self.trial.verdicts([m for _, m in batch]), strict=True):
                if verdict.dropped:
                    self._drop(template, verdict.dropped)
                    continue
                self.drops[template.name] = 0
                self.tally.warnings.update(verdict.warnings)
                yield made

    def _batch(self, asked: set[str]) -> list[tuple[Template, Made]]:
        batch: list[tuple[Template, Made]] = []
        while self.live and len(batch) < BATCH:
            lane = self._due()
            template = self._one_of(self.live[lane])
            made = self._candidate(template, asked)
            if made is None:
                self._exhaust(template)
                continue
            asked.add(made.example.question.lower())
            self.counts[lane] += 1
            batch.append((template, made))
        return batch

    def _due(self) -> str:
        """The lane that is furthest behind its share."""
        return min(self.live, key=lambda lane: ((self.counts[lane] + 0.5) / self.shares[lane], lane))

    def _one_of(self, templates: Sequence[Template]) -> Template:
        if self.weak is None:
            return self.random.choice(templates)
        return self.random.choices(templates, [self.weak.times(template.name) for template in templates])[0]

    def _candidate(self, template: Template, asked: set[str]) -> Made | None:
        for _ in range(TRIES):
            try:
                made = compose(self.scenes.pick(template.style, self.random), template, self.random)
            except Skip:
                continue
            if made.example.question.lower() not in asked and len(made.example.question) <= 2_000:
                return made
        return None

    def _drop(self, template: Template, reason: str) -> None:
        self.tally.dropped[reason] += 1
        self.counts[template.lane] -= 1
        self.drops[template.name] += 1
        if self.drops[template.name] >= DROPS:
            self._exhaust(template)

    def _exhaust(self, template: Template) -> None:
        left = [one for one in self.live.get(template.lane, ()) if one != template]
        if left:
            self.live[template.lane] = left
        else:
            self.live.pop(template.lane, None)


def _shares(weak: Weak) -> dict[str, float]:
    """The weak categories' lanes: a category's share is its failures', parted as it usually is."""
    lanes = {template.lane: template.category for template in TEMPLATES if template.category in weak.categories}
    usual = Counter[str]()
    for lane, category in lanes.items():
        usual[category] += SHARES[lane]
    return {lane: weak.categories[category] * SHARES[lane] / usual[category] for lane, category in lanes.items()}


def _scenes(index: Index, seed: int, tally: Tally, *, variants: bool = True) -> Scenes:
    scenes = Scenes(index, seed, variants=variants)
    tally.left = scenes.base.left
    tally.unsure = scenes.base.unsure
    if not scenes.base.roles:
        raise DataError(
            f"the mapping of '{index.name}' has no field that a question can be made of",
            where=", ".join(f"{count} of type {name}" for name, count in tally.left.types.items()) or "no fields",
            hint="give a mapping with keyword, text, number, date, boolean, ip or geo_point fields",
        )
    return scenes


def made_questions(
    index: Index, n: int, seed: int, rules: Rules, tally: Tally, weak: Weak | None = None
) -> Iterator[Made]:
    """As `questions`, with what each was made of."""
    scenes, random = _scenes(index, seed, tally), Random(f"{index.name} {seed} {'weak' if weak else 'questions'}")
    chosen = [one for one in TEMPLATES if one.category in weak.categories and not one.held] if weak else TEMPLATES
    with Trial(rules) as trial:
        stream = _Stream(scenes, chosen, random, trial, tally, weak).made(set())
        for number, made in enumerate(stream):
            if number == n:
                return
            tally.made[made.example.category] += 1
            example = replace(made.example, id=f"{index.name}-{seed}-{number:05d}")
            yield replace(made, example=example)
            if number + 1 == n:
                return


def questions(
    index: Index, n: int, seed: int, rules: Rules, tally: Tally | None = None, weak: Weak | None = None
) -> Iterator[Example]:
    """At most `n` questions, no two alike, of all categories by their share. Raises DataError.

    Where a student is `weak`, of those categories alone.
    """
    for made in made_questions(index, n, seed, rules, Tally() if tally is None else tally, weak):
        yield made.example


def splits(index: Index, rows: int, seed: int, rules: Rules, *, variants: bool = True) -> dict[str, list[Example]]:
    """`rows` questions to train on, and the smaller sets beside them, in proportion; of schema variants too or not.

    No question is in two sets. Templates of `test` and `validation` are all in training, those of
    `test_unseen_templates` are nowhere else, nor are their canonical golds.
    """
    tally = Tally()
    scenes = _scenes(index, seed, tally, variants=variants)
    random, asked = Random(f"{index.name} {seed} splits"), set[str]()
    sizes = {"test": max(1, rows // 15), "validation": max(1, rows // 20), "train": rows}
    with Trial(rules) as trial:
        held = _Stream(scenes, [one for one in TEMPLATES if one.held], random, trial, tally)
        found = {"test_unseen_templates": _take(held.made(asked), max(1, rows // 30), set())}
        reserved = {canonical_text(made.answer or "") for made in found["test_unseen_templates"]}
        stream = _Stream(scenes, [one for one in TEMPLATES if not one.held], random, trial, tally).made(asked)
        train = _take(stream, sizes.pop("train"), reserved)
        trained = {example.template for example in train}
        for name, count in sizes.items():
            found[name] = _take(stream, count, reserved, trained)
        found["train"] = train
    return {
        name: [
            replace(example, id=f"{index.name}-{seed}-{name}-{number:05d}", split=name)
            for number, example in enumerate(examples)
        ]
        for name, examples in found.items()
    }


def _take(stream: Iterator[Made], count: int, reserved: set[str], templates: set[str] | None = None) -> list[Example]:
    """The next questions whose gold is not reserved, and whose template is one of those."""
    taken: list[Example] = []
    while len(taken) < count and (made := next(stream, None)) is not None:
        example = made.example
        known = templates is None or example.template in templates
        if known and canonical_text(example.answer or "") not in reserved:
            taken.append(example)
    return taken
