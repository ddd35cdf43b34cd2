"""The Query DSL task: from a question about an index to a `_search` body or a refusal.

    Example(question="how many requests on host web-03 returned 503?", context={"index": "weblogs"})
    {"size":0,"track_total_hits":true,"query":{"bool":{"filter":[{"term":{"http.response.status_code":503}}, …]}}}

This module has what every task has; `dstill_querydsl.protocols` has the rest. A part's module is imported by the method
that uses it: `dstill generate --help` reads this class and needs none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.api.protocols import (
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    RationaleTerms,
    Readback,
    ResultProperties,
    Synthesis,
    Terms,
    TestDatabases,
    ValueLookup,
)
from dstill.api.records import Cause, Draft, Example, Message, Prompt
from dstill.api.task import Check, Task, TaskProtocol
from dstill_querydsl.declarations import TASK
from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.results import refusal
from dstill_querydsl.language.results.causes import LABELS, cause, clauses
from dstill_querydsl.prompting import INSTRUCTIONS, field_list
from dstill_querydsl.settings import Settings

if TYPE_CHECKING:
    from dstill_querydsl.bundle.indices import Index
    from dstill_querydsl.language.mapping.index_profile import IndexProfile
    from dstill_querydsl.questions.splits import Splits

__all__ = ["QueryDsl", "Settings"]


class QueryDsl(Task, declared=TASK):
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
    protocols: ClassVar[Mapping[type[TaskProtocol], str]] = {
        AnswerFiles: "dstill_querydsl.protocols.answer_files:QueryFiles",
        ConstrainedOutput: "dstill_querydsl.protocols.constrained_output:QueryOutput",
        DataProfile: "dstill_querydsl.protocols.data_profile:QueryDataProfile",
        Demo: "dstill_querydsl.protocols.demo:QueryDemo",
        KnownAnswers: "dstill_querydsl.protocols.known_answers:QueryKnownAnswers",
        Linked: "dstill_querydsl.protocols.linked:QueryLinked",
        Presentation: "dstill_querydsl.protocols.presentation:QueryPresentation",
        RationaleTerms: "dstill_querydsl.protocols.rationale_terms:QueryTerms",
        Readback: "dstill_querydsl.protocols.readback:QueryReadback",
        ResultProperties: "dstill_querydsl.protocols.result_properties:QueryResults",
        Synthesis: "dstill_querydsl.protocols.synthesis:QuerySynthesis",
        Terms: "dstill_querydsl.protocols.glossary:QueryGlossary",
        TestDatabases: "dstill_querydsl.protocols.test_databases:QueryTestDatabases",
        ValueLookup: "dstill_querydsl.protocols.value_lookup:QueryValueLookup",
    }

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        from dstill_querydsl.language.mapping.index_profiles import IndexProfiles

        self.profiles = IndexProfiles(self.config)

    def index_profile(self, example: Example) -> IndexProfile | None:
        """The profile of the example's index. None if only the index's name is known. Raises DataError."""
        return self.profiles.of(example)

    def index(self, example: Example) -> Index | None:
        """The index that the example is about. None if only its name is known. Raises DataError."""
        return self.profiles.index(example)

    @cached_property
    def _splits(self) -> Splits:
        from dstill_querydsl.questions.splits import Splits

        return Splits(self.config, self.seed, self.profiles)

    def examples(self, split: str) -> Iterable[Example]:
        return iter(self._splits.examples(split))

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        from dstill_querydsl.prompting.user_message import user_message

        form = self.reply_text("which fields, types and operators, and why", '{"query": …}')
        system = f"{self.instructions}\n\nReply in this form and nothing else:\n{form}"
        messages = [Message(role="system", content=system)]
        for shot in shots:
            messages.append(Message(role="user", content=f"Question: {shot.question}"))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        question = user_message(self.index_profile(example), example, shots, self.config)
        return Prompt(example=example, messages=(*messages, Message(role="user", content=question)))

    def parse(self, text: str) -> Draft | None:
        """As in the core, with the two repairs that `strict` allows. They are listed in the draft's notes."""
        draft = super().parse(text)
        return None if draft is None else strict.repaired(draft)

    def model_input(self, example: Example) -> str:
        if self.config.student_context == "question" or (profile := self.index_profile(example)) is None:
            return example.question
        shown = profile.shown(example.question, self.config.prompt_fields)
        return f"{example.question}\n{field_list(shown, profile.values)}"

    # --- checking and comparing answers ------------------------------------------------------------------------

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        from dstill_querydsl.language.layers import layers

        return layers(self.config, self.profiles)

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
