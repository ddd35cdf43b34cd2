"""The Query DSL task: from a question about an index to a `_search` body or a refusal.

    Example(question="how many requests on host web-03 returned 503?", context={"index": "weblogs"})
    {"size":0,"track_total_hits":true,"query":{"bool":{"filter":[{"term":{"http.response.status_code":503}}, …]}}}

This module wires the parts together. Each section implements one of dstill's protocols for tasks. A part's
module is imported by the method that uses it: `dstill generate --help` reads this class and needs none of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.api.answer_files import FileAnswer, Fix
from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import (
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    QuestionBrief,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
)
from dstill.api.records import (
    Cause,
    Draft,
    Example,
    Grammar,
    Message,
    Mutant,
    Problem,
    Prompt,
    RelevantSchema,
    ResultDiff,
    Table,
    TestDatabase,
)
from dstill.api.task import Check, Task
from dstill.errors import UsageError
from dstill_querydsl.declarations import TASK
from dstill_querydsl.files.codes import CODES
from dstill_querydsl.files.reading import SUFFIXES
from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.results import refusal
from dstill_querydsl.language.results.causes import LABELS, cause, clauses
from dstill_querydsl.prompting import INSTRUCTIONS, field_list
from dstill_querydsl.settings import Settings

if TYPE_CHECKING:
    from dstill.api.form import Form, Token
    from dstill.linked import Reading
    from dstill_querydsl.bundle.indices import Index
    from dstill_querydsl.language.mapping.index_profile import IndexProfile

__all__ = ["QueryDsl", "Settings"]


class QueryDsl(
    Task,
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
    declared=TASK,
):
    """Questions about one Elasticsearch or OpenSearch index, answered by search bodies that executors run."""

    version = "2"
    Config = Settings
    config: Settings
    instructions = INSTRUCTIONS
    json_answers = True
    data_key = "index"
    schema_keys = ("mapping",)
    answer_keys = ("query",)
    causes = LABELS
    schema_settings: ClassVar[Mapping[str, Any]] = {"task.querydsl.student_context": "mapping"}
    reference_decides = True  # whether the fields of hits count

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
        from dstill_querydsl.questions.templates import Tally
        from dstill_querydsl.testdata.suites import Suites

        self._profiles = IndexProfiles(self.config)
        self._suites = Suites(self, self.config, self._profiles)
        self._tally = Tally()  # of the last call of `synthesize`

    def index_profile(self, example: Example) -> IndexProfile | None:
        """The profile of the example's index. None if only the index's name is known. Raises DataError."""
        return self._profiles.of(example)

    def index(self, example: Example) -> Index | None:
        """The index that the example is about. None if only its name is known. Raises DataError."""
        return self._profiles.index(example)

    # --- questions and teaching ---------------------------------------------------------

    @cached_property
    def _from_templates(self) -> Mapping[str, list[Example]]:
        from dstill_querydsl.questions.example_splits import splits_of

        return splits_of(self.config, self.seed)

    @cached_property
    def _splits(self) -> Mapping[str, list[Example]]:
        if not self.config.free_phrasing:
            return self._from_templates
        from dstill_querydsl.questions.free_phrasing.in_splits import with_free_phrasing

        profile = self.index_profile(Example(id="", question="", context={"index": self.config.index}))
        assert profile is not None  # since the index has questions
        return with_free_phrasing(self._from_templates, self._unseen_data, profile, self.config, self.seed)

    @cached_property
    def _unseen_data(self) -> list[Example]:
        from dstill_querydsl.questions.example_splits import unseen_data

        return unseen_data(self.config, self.seed, self._from_templates.get("train", ()))

    def examples(self, split: str) -> Iterable[Example]:
        return iter(self._unseen_data if split == "test_unseen_data" else self._splits.get(split, ()))

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        from dstill_querydsl.prompting.user_message import user_message

        form = self.reply_text("which fields, types and operators, and why", '{"query": …}')
        messages = [
            Message(role="system", content=f"{self.instructions}\n\nReply in this form and nothing else:\n{form}")
        ]
        for shot in shots:
            messages.append(Message(role="user", content=f"Question: {shot.question}"))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        messages.append(
            Message(role="user", content=user_message(self.index_profile(example), example, shots, self.config))
        )
        return Prompt(example=example, messages=tuple(messages))

    def parse(self, text: str) -> Draft | None:
        """As in the core, with the two repairs that `strict` allows. They are listed in the draft's notes."""
        draft = super().parse(text)
        if draft is None:
            return None
        body = strict.read(draft.answer)
        if body.value is None or not body.notes:
            return draft
        answer = json.dumps(body.value, ensure_ascii=False, separators=(",", ":"))
        return replace(draft, answer=answer, notes=body.notes)

    def model_input(self, example: Example) -> str:
        if self.config.student_context == "question" or (profile := self.index_profile(example)) is None:
            return example.question
        shown = profile.shown(example.question, self.config.prompt_fields)
        return f"{example.question}\n{field_list(shown, profile.values)}"

    # --- checking and comparing answers ------------------------------------------------------------------------

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        from dstill_querydsl.language.layers import layers

        return layers(self.config, self._profiles)

    def canonical(self, answer: str) -> str:
        return canonical_text(answer)

    def is_refusal(self, answer: str) -> bool:
        return refusal.is_refusal(strict.read(answer).value)

    def same(self, got: Any, want: Any) -> bool:
        from dstill_querydsl.language.results import compare

        return compare.same(got, want)

    def cause(self, got: str, want: str) -> Cause | None:
        return cause(got, want)

    def clauses(self, answer: str) -> Iterable[str] | None:
        return clauses(answer)

    # --- AnswerFiles --------------------------------------------------------------------

    suffixes = SUFFIXES
    problem_codes = CODES

    def has_answers(self, text: str, suffix: str) -> bool:
        from dstill_querydsl.files import reading

        return reading.has_answers(text, suffix)

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        from dstill_querydsl.files import reading

        return reading.answers(text, suffix)

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        from dstill_querydsl.files.fixes import fixes

        return fixes(answer, problems)

    # --- ConstrainedOutput --------------------------------------------------------------

    def grammar(self, example: Example) -> Grammar | None:
        """The grammar of the example's index. None if only its name is known. Raises ConfigError."""
        profile = self.index_profile(example)
        return None if profile is None else Grammar(ebnf=profile.grammar(self.config.dialect))

    # --- Linked -------------------------------------------------------------------------

    def form(self) -> Form:
        from dstill_querydsl.form.query_form import QueryForm

        return QueryForm(self.index_profile, self.config.dialect, _replay)

    # --- TestDatabases ------------------------------------------------------------------

    def mutants(self, example: Example) -> Iterable[Mutant]:
        return self._suites.mutants(example)

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return self._suites.databases(example, k)

    # --- ResultProperties ---------------------------------------------------------------

    def is_empty(self, value: Any) -> bool:
        from dstill_querydsl.language.results import compare

        return compare.is_empty(value)

    def is_trivial(self, value: Any, example: Example) -> bool:
        from dstill_querydsl.language.results import compare

        return compare.is_trivial(value, value["documents"])

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        from dstill_querydsl.language.results import compare

        return compare.is_nondeterministic(value)

    # --- Presentation -------------------------------------------------------------------

    def render_result(self, value: Any) -> str:
        from dstill_querydsl.language.results import render

        return render.show(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        from dstill_querydsl.language.results.result_diff import diff

        documents = dict(database.data["documents"]) if database else {}
        gold, answer = diff(want, got, documents)
        return ResultDiff(gold=gold, answer=answer, test_database=database.name if database else "")

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        from dstill_querydsl.language.results.snippets import snippets

        if strict.read(answer).value is None:
            return ()
        return tuple(snippets(answer, str(example.context.get("index", self.config.index)), self.config.dialect))

    def refusal_reason(self, answer: str) -> str:
        return refusal.reason(strict.read(answer).value)

    def result_tables(self, value: Any) -> Sequence[Table]:
        from dstill_querydsl.language.results import tables

        return tables.tables(value)

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        from dstill_querydsl.language.results.excerpt import excerpt

        profile = self.index_profile(example)
        return RelevantSchema() if profile is None else excerpt(profile, strict.read(answer).value or {})

    # --- RationaleTerms -----------------------------------------------------------------

    def answer_terms(self, answer: str) -> Iterable[str]:
        from dstill_querydsl.language.mapping.uses import uses

        return sorted({use.name for use in uses(strict.read(answer).value or {})})

    # --- Synthesis ----------------------------------------------------------------------

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        from dstill_querydsl.questions.example_splits import rules_of
        from dstill_querydsl.questions.templates import Tally, questions
        from dstill_querydsl.questions.templates.focus_weights import FocusWeights

        context = self._about(context)
        index = self.index(Example(id="", question="", context=context))
        if index is None:
            raise UsageError(
                f"'{context.get('index')}' is not a bundled index", hint="give --mapping to make questions about it"
            )
        self._tally = Tally()
        focus = FocusWeights.of(context)
        return questions(index, n, seed, rules_of(self.config), self._tally, focus)

    def warnings(self) -> Iterable[str]:
        return self._tally.remarks()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief:
        from dstill_querydsl.prompting import question_brief

        example = Example(id="", question="", context=self._about(context))
        profile = self.index_profile(example)
        if profile is None:
            raise UsageError(f"the mapping of '{example.context['index']}' is not known", hint="give --mapping")
        return QuestionBrief(
            about=question_brief.about(profile, self.config.prompt_fields),
            categories=question_brief.categories(profile.index.mapping),
            context={"index": example.context["index"]},
        )

    def _about(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """The context of questions: the user's own index if one is given, else the index of the settings."""
        if "values" in context and "mapping" not in context:
            raise UsageError("--values needs the mapping of the index", where="--values", hint="give --mapping too")
        return {"index": self.config.index, **context}

    # --- KnownAnswers -------------------------------------------------------------------

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        from dstill_querydsl.known_answers import EQUAL

        return EQUAL

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        from dstill_querydsl.known_answers import DIFFERENT

        return DIFFERENT

    def hostile_answers(self, example: Example) -> Iterable[str]:
        from dstill_querydsl.known_answers import HOSTILE

        return HOSTILE

    # --- DataProfile --------------------------------------------------------------------

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        from dstill_querydsl.engines import HttpSettings
        from dstill_querydsl.engines.describe import describe

        return describe(engine, settings if isinstance(settings, HttpSettings) else HttpSettings(), self.config)

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_querydsl.language.mapping.data_profile import facts_of

        return facts_of(examples, self._profiles)

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        from dstill.api.drift import unlearnt

        return unlearnt(then, now, "fields")

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        from dstill_querydsl.language.mapping.data_profile import licences_of

        return licences_of(examples, self._profiles, self.config.index)

    # --- Demo ---------------------------------------------------------------------------

    demo_settings: ClassVar[Mapping[str, Any]] = {
        "evaluate.splits": ["test", "test_unseen_templates", "test_unseen_data"],
        "task.querydsl.n_questions": 8_000,
        "train.max_steps": 300,  # almost every row once
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    # A quarter of the rows and of the steps.
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {"task.querydsl.n_questions": 2_000, "train.max_steps": 75}


def _replay(seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """As `invented.stream.replay`, which training alone needs."""
    from dstill_querydsl.questions.invented_schemas.stream import replay

    return replay(seed)
