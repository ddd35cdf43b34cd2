"""Make checked questions for an index, in the shares of their categories, and the splits of a dataset.

    tally = Tally()
    for example in questions(index, n=500, seed=0, rules=Rules(), tally=tally): …
    tally.dropped       {"vacuous": 31}: candidates that failed a check

The same seed and index give the same bytes. Every category gets its share in `plan`, to within one question. The share
of categories that the mapping has no fields for goes to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from dstill.api.records import Example
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.mapping.drift import counted
from dstill_querydsl.questions.templates.compose import ComposedQuestion, compose
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.contexts import QuestionContexts
from dstill_querydsl.questions.templates.focus_weights import FocusWeights
from dstill_querydsl.questions.templates.plan import SHARES, TEMPLATES, Template
from dstill_querydsl.questions.templates.roles import SkippedFields
from dstill_querydsl.questions.templates.verify import GoldTrial, Rules

__all__ = ["Tally", "composed_questions", "numbered", "questions", "splits"]

TRIES = 30  # documents tried for one question before a template counts as exhausted
BATCH = 96  # candidates checked together
NAME_LIMIT = 5  # names in one warning
DROP_LIMIT = 12  # candidates of one template that fail in a row before it counts as exhausted


@dataclass
class Tally:
    """Counts of questions made and candidates dropped, and warnings for the user."""

    made: Counter[str] = field(default_factory=Counter)  # by category
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    warnings: Counter[str] = field(default_factory=Counter)  # by code
    fields_without_values: int = 0  # their questions have made-up values
    skipped: SkippedFields = field(default_factory=SkippedFields)  # fields without questions

    @property
    def drop_rate(self) -> float:
        """The share of candidates that were dropped."""
        dropped = self.dropped.total()
        return dropped / max(1, dropped + self.made.total())

    def remarks(self) -> Iterator[str]:
        """Lines for the user about the questions that were made."""
        if not self.made:
            return
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        candidates = f"{counted(self.dropped.total(), 'candidate')} dropped ({self.drop_rate:.1%})"
        yield f"{candidates}{': ' if dropped else ''}{dropped}"
        if self.fields_without_values:
            fields = counted(self.fields_without_values, "field")
            yield f"warning: questions about {fields} use made-up values, since none are known"
        if self.warnings:
            yield "warnings of the checks: " + ", ".join(f"{n} {code}" for code, n in self.warnings.most_common())
        if self.skipped.over_limit:
            rest = f"{self.skipped.over_limit:,} of its fields have no questions"
            yield f"the mapping is wide: {rest}. Fields with known values come first"
        if self.skipped.types:
            types = ", ".join(f"{count} {name}" for name, count in self.skipped.types.most_common())
            fields = counted(self.skipped.types.total(), "field")
            yield f"warning: no questions about {fields} because of the type: {types}"
        if self.skipped.unmapped:
            names = _some(self.skipped.unmapped)
            yield f"warning: {counted(len(self.skipped.unmapped), 'field')} with values not in the mapping: {names}"
        if self.skipped.misfits:
            misfits = self.skipped.misfits
            yield f"warning: {counted(len(misfits), 'value')} not of the type of the field: {_some(misfits)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAME_LIMIT]) + (" …" if len(names) > NAME_LIMIT else "")


class _Stream:
    """A stream of new questions, which ends when every template is exhausted."""

    def __init__(
        self,
        contexts: QuestionContexts,
        templates: Sequence[Template],
        random: Random,
        trial: GoldTrial,
        tally: Tally,
        focus: FocusWeights | None = None,
    ) -> None:
        self.contexts, self.random, self.trial, self.tally, self.focus = contexts, random, trial, tally, focus
        self.shares: Mapping[str, float] = _shares(focus) if focus else SHARES
        self.live: dict[str, list[Template]] = {}
        for template in templates:
            if contexts.has(template.style):
                self.live.setdefault(template.lane, []).append(template)
        self.counts: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()

    def questions(self, taken: set[str]) -> Iterator[ComposedQuestion]:
        """Questions that are not in `taken` (lower case), which it extends."""
        while self.live:
            batch = self._batch(taken)
            for (template, composed), verdict in zip(batch, self.trial.verdicts([m for _, m in batch]), strict=True):
                if verdict.dropped:
                    self._drop(template, verdict.dropped)
                    continue
                self.drops[template.name] = 0
                self.tally.warnings.update(verdict.warnings)
                yield composed

    def _batch(self, taken: set[str]) -> list[tuple[Template, ComposedQuestion]]:
        batch: list[tuple[Template, ComposedQuestion]] = []
        while self.live and len(batch) < BATCH:
            lane = self._due()
            template = self._one_of(self.live[lane])
            composed = self._candidate(template, taken)
            if composed is None:
                self._exhaust(template)
                continue
            taken.add(composed.example.question.lower())
            self.counts[lane] += 1
            batch.append((template, composed))
        return batch

    def _due(self) -> str:
        """The lane that is furthest below its share."""
        return min(self.live, key=lambda lane: ((self.counts[lane] + 0.5) / self.shares[lane], lane))

    def _one_of(self, templates: Sequence[Template]) -> Template:
        if self.focus is None:
            return self.random.choice(templates)
        return self.random.choices(templates, [self.focus.weight(template.name) for template in templates])[0]

    def _candidate(self, template: Template, taken: set[str]) -> ComposedQuestion | None:
        for _ in range(TRIES):
            try:
                composed = compose(self.contexts.pick(template.style, self.random), template, self.random)
            except Skip:
                continue
            if composed.example.question.lower() not in taken and len(composed.example.question) <= 2_000:
                return composed
        return None

    def _drop(self, template: Template, reason: str) -> None:
        self.tally.dropped[reason] += 1
        self.counts[template.lane] -= 1
        self.drops[template.name] += 1
        if self.drops[template.name] >= DROP_LIMIT:
            self._exhaust(template)

    def _exhaust(self, template: Template) -> None:
        left = [other for other in self.live.get(template.lane, ()) if other != template]
        if left:
            self.live[template.lane] = left
        else:
            self.live.pop(template.lane, None)


def _shares(focus: FocusWeights) -> dict[str, float]:
    """Lane → share, where a category's share is its number of failures, divided among its lanes as usual."""
    lanes = {template.lane: template.category for template in TEMPLATES if template.category in focus.categories}
    usual = Counter[str]()
    for lane, category in lanes.items():
        usual[category] += SHARES[lane]
    return {lane: focus.categories[category] * SHARES[lane] / usual[category] for lane, category in lanes.items()}


def _contexts(index: Index, seed: int, tally: Tally, *, variants: bool = True) -> QuestionContexts:
    contexts = QuestionContexts(index, seed, variants=variants)
    tally.skipped = contexts.base.skipped
    tally.fields_without_values = contexts.base.fields_without_values
    if not contexts.base.roles:
        raise DataError(
            f"the mapping of '{index.name}' has no field that a question can use",
            where=", ".join(f"{count} of type {name}" for name, count in tally.skipped.types.items()) or "no fields",
            hint="give a mapping with keyword, text, number, date, boolean, ip or geo_point fields",
        )
    return contexts


def composed_questions(
    index: Index, n: int, seed: int, rules: Rules, tally: Tally, focus: FocusWeights | None = None
) -> Iterator[ComposedQuestion]:
    """As `questions`, with what each question was composed from."""
    contexts, random = _contexts(index, seed, tally), Random(f"{index.name} {seed} {'weak' if focus else 'questions'}")
    chosen = (
        [template for template in TEMPLATES if template.category in focus.categories and not template.held_out]
        if focus
        else TEMPLATES
    )
    with GoldTrial(rules) as trial:
        stream = _Stream(contexts, chosen, random, trial, tally, focus).questions(set())
        for number, composed in enumerate(stream):
            if number == n:
                return
            tally.made[composed.example.category] += 1
            example = replace(composed.example, id=f"{index.name}-{seed}-{number:05d}")
            yield replace(composed, example=example)
            if number + 1 == n:
                return


def questions(
    index: Index, n: int, seed: int, rules: Rules, tally: Tally | None = None, focus: FocusWeights | None = None
) -> Iterator[Example]:
    """At most `n` different questions, in the shares of their categories. With `focus`, only of its categories.

    Raises DataError if the mapping has no field that a question can use.
    """
    for composed in composed_questions(index, n, seed, rules, Tally() if tally is None else tally, focus):
        yield composed.example


def splits(index: Index, rows: int, seed: int, rules: Rules, *, variants: bool = True) -> dict[str, list[Example]]:
    """`rows` training questions, and smaller splits in proportion. `variants`: also about schema variants.

    No question is in two splits. All templates of `test` and `validation` are in training. Templates and canonical
    golds of `test_unseen_templates` are in no other split.
    """
    tally = Tally()
    contexts = _contexts(index, seed, tally, variants=variants)
    random, taken = Random(f"{index.name} {seed} splits"), set[str]()
    sizes = {"test": max(1, rows // 15), "validation": max(1, rows // 20), "train": rows}
    with GoldTrial(rules) as trial:
        held_out = _Stream(contexts, [template for template in TEMPLATES if template.held_out], random, trial, tally)
        parts = {"test_unseen_templates": _take(held_out.questions(taken), max(1, rows // 30), set())}
        reserved = {canonical_text(example.answer or "") for example in parts["test_unseen_templates"]}
        stream = _Stream(
            contexts, [template for template in TEMPLATES if not template.held_out], random, trial, tally
        ).questions(taken)
        train = _take(stream, sizes.pop("train"), reserved)
        trained = {example.template for example in train}
        for name, count in sizes.items():
            parts[name] = _take(stream, count, reserved, trained)
        parts["train"] = train
    return numbered(index.name, seed, parts)


def numbered(name: str, seed: int, splits: Mapping[str, Iterable[Example]]) -> dict[str, list[Example]]:
    """The examples of each split with their split and an id, such as ``weblogs-0-test-00012``."""
    return {
        split: [
            replace(example, id=f"{name}-{seed}-{split}-{number:05d}", split=split)
            for number, example in enumerate(examples)
        ]
        for split, examples in splits.items()
    }


def _take(
    stream: Iterator[ComposedQuestion], count: int, reserved: set[str], templates: set[str] | None = None
) -> list[Example]:
    """The next `count` questions with a gold that is not reserved, and with one of these templates."""
    taken: list[Example] = []
    while len(taken) < count and (composed := next(stream, None)) is not None:
        example = composed.example
        known = templates is None or example.template in templates
        if known and canonical_text(example.answer or "") not in reserved:
            taken.append(example)
    return taken
