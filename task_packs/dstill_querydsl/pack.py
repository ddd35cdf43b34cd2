"""The Query DSL task: a question about an index in, a `_search` body or a refusal out.

    Example(question="how many requests on host web-03 returned 503?", context={"index": "weblogs"})
    {"size":0,"track_total_hits":true,"query":{"bool":{"filter":[{"term":{"http.response.status_code":503}}, …]}}}

This module wires the parts together: strict form, schema, mapping and guard as layers of
checks; the synthesizer's questions; results compared as those of search bodies are.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Iterable, Mapping, Sequence

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.gate import Gate
from dstill.api.records import (
    Cause,
    Contrast,
    Corpus,
    Draft,
    Example,
    Excerpt,
    Grammar,
    Message,
    Neighbour,
    Problem,
    Prompt,
    Table,
)
from dstill.api.task import Brief, Check, NoCorpora, Task
from dstill.errors import UsageError
from dstill_querydsl import guard, schema
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import LICENCES, Index
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.engines import HttpSettings
from dstill_querydsl.language import strict
from dstill_querydsl.mapping import check, values_check
from dstill_querydsl.mapping.drift import fields_digest, types_of, unlearnt
from dstill_querydsl.mapping.form import require_mapping
from dstill_querydsl.mapping.index_describe import describe
from dstill_querydsl.mapping.index_profile import Study
from dstill_querydsl.mapping.uses import uses
from dstill_querydsl.options import OPTIONS
from dstill_querydsl.prompting import INSTRUCTIONS, field_list, fields_of, inventing, question_block
from dstill_querydsl.prompting.values import for_teacher
from dstill_querydsl.questions import Tally, questions
from dstill_querydsl.questions.example_splits import HAND_WRITTEN, rules_of, sets_of, unseen
from dstill_querydsl.questions.focus_weights import Weak
from dstill_querydsl.questions.glossary import glossary
from dstill_querydsl.results import compare, refusal, render, tables
from dstill_querydsl.results.causes import LABELS, cause, clauses
from dstill_querydsl.results.excerpt import excerpt
from dstill_querydsl.results.result_diff import contrast
from dstill_querydsl.settings import Settings
from dstill_querydsl.synthesize import synthesize
from dstill_querydsl.testsuites import Maker, Place, compact, neighbours

__all__ = ["QueryDsl", "Settings"]


class QueryDsl(Task):
    name = "querydsl"
    version = "2"
    Config = Settings
    config: Settings
    instructions = INSTRUCTIONS
    executors = ("embedded", "http")
    json_answers = True
    causes = LABELS
    options = OPTIONS
    # One CPU core trains this in some four minutes; more rows and fewer epochs generalize better than the reverse.
    demo: ClassVar[Mapping[str, Any]] = {
        "evaluate.splits": ["test", "test_templates", "test_index"],
        "task.querydsl.rows": 8_000,
        "train.alpha": 0.8,
        "train.learning_rate": 2e-3,
        "train.per_device_train_batch_size": 32,
        "train.num_train_epochs": 5.0,
        "train.max_length": 128,
        "train.max_target_length": 128,
        "train.optim": "adamw_torch_fused",
        "train.threads": 1,  # a second gains a third where it is free, and costs fivefold where it is not
    }
    # A quarter of the rows, and so of the steps.
    quick: ClassVar[Mapping[str, Any]] = {"task.querydsl.rows": 2_000}

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        self._studies: dict[str, Study] = {}  # by the index' digest
        self._given: tuple[Any, str, Any, Index] | None = None  # the last mapping, name and values of a context
        self._maker = Maker(compare.same, compare.empty, rules=repr([self.config.dialect, self.config.guard]))
        self._gate = Gate(self)
        self._tally = Tally()  # of the questions that were made last

    # --- questions ----------------------------------------------------------------------

    def index(self, example: Example) -> Index | None:
        """What the example is about; None where only a name is known. Raises DataError."""
        mapping, name = example.context.get("mapping"), str(example.context.get("index", ""))
        values = example.context.get("values")
        if mapping is None:
            return index_of(example.context, self.config)
        # Thousands of answers come with one mapping, and reading it takes longer than checking one of them.
        given = self._given  # read once: other threads set it too
        if given is None or given[0] is not mapping or given[1] != name or given[2] != values:
            require_mapping(mapping)
            index = index_of(example.context, self.config)
            assert index is not None  # it has a mapping
            self._given = given = (mapping, name, values, index)
        return given[3]

    def study(self, example: Example) -> Study | None:
        """What is worked out once of the example's index."""
        index = self.index(example)
        if index is None:
            return None
        if index.digest not in self._studies:
            self._studies[index.digest] = Study(index, self.config.guard)
        return self._studies[index.digest]

    @cached_property
    def _sets(self) -> Mapping[str, list[Example]]:
        return sets_of(self.config, self.seed)

    @cached_property
    def _unseen(self) -> list[Example]:
        return unseen(self.config, self.seed, self._sets.get("train", ()))

    def examples(self, split: str) -> Iterable[Example]:
        return iter(self._unseen if split == "test_index" else self._sets.get(split, ()))

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        context = self._about(context)
        index = self.index(Example(id="", question="", context=context))
        if index is None:
            raise UsageError(f"questions can be made for bundled indices, '{context.get('index')}' is none")
        self._tally = Tally()
        weak = Weak.of(context)
        if index.name == HAND_WRITTEN and index.recipe:
            return synthesize(index, n, seed, weak)
        return questions(index, n, seed, rules_of(self.config), self._tally, weak)

    def remarks(self) -> Iterable[str]:
        return self._tally.remarks()

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        first: dict[str, Example] = {}
        for example in examples:
            if "variant" not in example.context:  # of a schema that no server holds
                first.setdefault(str(example.context.get("index", "")), example)
        indices = {name: self.index(example) for name, example in first.items() if name}
        return {
            name: {"digest": fields_digest(index.mapping), "fields": types_of(index.mapping)}
            for name, index in indices.items()
            if index is not None
        }

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        return unlearnt(then, now)

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        indices = {str(example.context.get("index", "")): example for example in examples}
        found = {name: self.index(example) for name, example in indices.items()}
        return {
            name or self.config.index: LICENCES[index.name.partition("-variant-")[0]]
            if index is not None and index.recipe
            else "unknown"
            for name, index in found.items()
        }

    def brief(self, context: Mapping[str, Any]) -> Brief:
        example = Example(id="", question="", context=self._about(context))
        study = self.study(example)
        if study is None:
            raise UsageError(f"nothing is known of the index '{example.context['index']}'", hint="give --mapping")
        return Brief(
            about=inventing.about(study, self.config.prompt_fields),
            categories=inventing.categories(study.index.mapping),
            context={"index": example.context["index"]},
        )

    def _about(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """What questions are about: what a user gives of their own data, else the index of the settings."""
        if "values" in context and "mapping" not in context:
            raise UsageError("--values are those of a mapping", where="--values", hint="give --mapping too")
        return {"index": self.config.index, **context}

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        return describe(engine, settings if isinstance(settings, HttpSettings) else HttpSettings(), self.config)

    # --- teaching -----------------------------------------------------------------------

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        form = self.reply_text("which fields, types and operators, and why", '{"query": …}')
        messages = [
            Message(role="system", content=f"{self.instructions}\n\nReply in this form and nothing else:\n{form}")
        ]
        for shot in shots:
            messages.append(Message(role="user", content=f"Question: {shot.question}"))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        study = self.study(example)
        if study is None:
            asked = question_block(example.question, None, "")
        else:
            keep = {use.name for shot in shots for use in uses(strict.read(shot.answer or "").value or {})}
            shown = study.shown(example.question, self.config.prompt_fields, keep)
            told = for_teacher(study.values, (name for name, _ in fields_of(shown.mapping)), self.config.samples)
            words = glossary(str(example.context.get("index", ""))) if study.index.recipe else ""
            asked = question_block(example.question, shown, study.index.now, told, words)
        return Prompt(example=example, messages=(*messages, Message(role="user", content=asked)))

    def terms(self, answer: str) -> Iterable[str]:
        return sorted({use.name for use in uses(strict.read(answer).value or {})})

    def parse(self, text: str) -> Draft | None:
        """As in the core; the two repairs that `strict` allows are made here, and noted."""
        draft = super().parse(text)
        if draft is None:
            return None
        body = strict.read(draft.answer)
        if body.value is None or not body.notes:
            return draft
        answer = json.dumps(body.value, ensure_ascii=False, separators=(",", ":"))
        return replace(draft, answer=answer, notes=body.notes)

    # --- learning -----------------------------------------------------------------------

    def source(self, example: Example) -> str:
        if self.config.student_context == "question" or (study := self.study(example)) is None:
            return example.question
        shown = study.shown(example.question, self.config.prompt_fields)
        return f"{example.question}\n{field_list(shown, study.values)}"

    def grammar(self, example: Example) -> Grammar | None:
        """Of the example's index; None where only its name is known. Raises ConfigError, as `grammar_of` does."""
        study = self.study(example)
        return None if study is None else Grammar(ebnf=study.grammar(self.config.dialect))

    # --- judging ------------------------------------------------------------------------

    @property
    def checks(self) -> tuple[Check, ...]:
        return (
            Check("json", self._json, parses=True, cause="not JSON"),
            Check("schema", self._schema),
            Check("mapping", self._mapping),
            Check("values", self._values),
            Check("guard", self._guard),
        )

    def _json(self, example: Example, answer: str) -> Iterable[Problem]:
        return strict.read(answer).problems

    def _schema(self, example: Example, answer: str) -> Iterable[Problem]:
        value = strict.read(answer).value or {}
        return refusal.check(value) if "refusal" in value else schema.check(value, self.config.dialect)

    def _mapping(self, example: Example, answer: str) -> Iterable[Problem]:
        study, value = self.study(example), strict.read(answer).value or {}
        return () if study is None or "refusal" in value else check.check(value, study.fields)

    def _values(self, example: Example, answer: str) -> Iterable[Problem]:
        study, value = self.study(example), strict.read(answer).value or {}
        return () if study is None or "refusal" in value else values_check.check(value, study.fields, study.values)

    def _guard(self, example: Example, answer: str) -> Iterable[Problem]:
        study, value = self.study(example), strict.read(answer).value or {}
        if "refusal" in value:
            return ()
        limits, ranges = (study.limits, study.ranges) if study else (self.config.guard, {})
        return (*guard.check(value, limits, ranges), *guard.notes(value))

    def idle(self, example: Example) -> Iterable[str]:
        return () if self.study(example) is not None else ("mapping", "values")

    def canonical(self, answer: str) -> str:
        return canonical_text(answer)

    def is_refusal(self, answer: str) -> bool:
        return refusal.is_refusal(strict.read(answer).value)

    def cause(self, got: str, want: str) -> Cause | None:
        return cause(got, want)

    def clauses(self, answer: str) -> Iterable[str] | None:
        return clauses(answer)

    def same(self, got: Any, want: Any) -> bool:
        return compare.same(got, want)

    def arbitrary(self, value: Any, example: Example) -> bool:
        return compare.arbitrary(value)

    def neighbours(self, example: Example) -> Iterable[Neighbour]:
        study, gold = self.study(example), strict.read(example.answer or "").value
        if study is None or gold is None or "refusal" in gold or self._not_run(example.answer or "", example):
            return ()
        return neighbours(gold, study.layout, lambda answer: not self._not_run(answer, example))

    def corpora(self, example: Example, k: int) -> Iterable[Corpus]:
        study, gold = self.study(example), strict.read(example.answer or "").value
        most = min(k, self.config.corpora)
        if gold is None or "refusal" in gold or not most:
            return ()
        if reason := self._not_run(example.answer or "", example):
            raise NoCorpora(reason)
        if study is None:
            raise NoCorpora(f"the mapping of '{example.context.get('index', '')}' is not known")
        settings = example.context.get("settings", study.index.settings)
        place = Place(mapping=study.index.mapping, settings=settings, now=study.index.now)
        return self._maker.corpora(
            gold,
            place,
            study.layout,
            lambda: self.neighbours(example),
            lambda body: self._not_run(compact(body), example),
            most,
        )

    def _not_run(self, answer: str, example: Example) -> str:
        """Why `answer` must not be run; empty: it may be."""
        return next((f"not run: {one.layer}: {one.message}" for one in self._gate.errors(answer, example)), "")

    def show(self, value: Any) -> str:
        return render.show(value)

    def tables(self, value: Any) -> Sequence[Table]:
        return tables.tables(value)

    def contrast(self, got: Any, want: Any, corpus: Corpus | None = None) -> Contrast:
        documents = dict(corpus.data["documents"]) if corpus else {}
        gold, answer = contrast(want, got, documents)
        return Contrast(gold=gold, answer=answer, corpus=corpus.name if corpus else "")

    def empty(self, value: Any) -> bool:
        return compare.empty(value)

    def excerpt(self, example: Example, answer: str) -> Excerpt:
        study = self.study(example)
        return Excerpt() if study is None else excerpt(study, strict.read(answer).value or {})

    def vacuous(self, value: Any, example: Example) -> bool:
        return compare.vacuous(value, value["documents"])
