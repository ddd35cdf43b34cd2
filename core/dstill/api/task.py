"""A task pack: what one structured language needs, in one class.

Required: ``name``, ``examples`` and ``checks``. Everything else has a default that is
right for a language that is plain text and has one right spelling for an answer.

    class Sums(Task):
        name = "sums"

        def examples(self, split):
            yield Example(id="1", question="one and two", answer="1 + 2", split=split)

        checks = (Check("form", lambda example, answer: ()),)
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Iterable, Mapping, Sequence

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.faults import PASSING, refused
from dstill.api.option import Option
from dstill.api.part import Part
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
from dstill.errors import UsageError

__all__ = ["Brief", "Check", "NoCorpora", "Task"]

_TAGGED = re.compile(r"\s*<rationale>(?P<rationale>.*?)</rationale>\s*<answer>(?P<answer>.*)</answer>\s*", re.DOTALL)


@dataclass(frozen=True)
class Check:
    """One named layer of checks over an answer.

    `run` gets any text that the layers marked ``parses`` let through, also one that
    another layer refused, and should not raise on it: an answer on which it does is refused.
    """

    name: str
    run: Callable[[Example, str], Iterable[Problem]]
    parses: bool = False  # an error here means that the answer is not in the language at all
    cause: str = ""  # what a failure that stops here is called; empty: as the layer


@dataclass(frozen=True, kw_only=True)
class Brief:
    """For a teacher who invents questions."""

    about: str  # what the questions are about; data stand in fences (`dstill.io.strict_json.fenced`)
    categories: Mapping[str, str] = field(default_factory=dict)  # kinds of questions, a line on each
    context: Mapping[str, Any] = field(default_factory=dict)  # of every question that comes of it


class NoCorpora(Exception):
    """`Task.corpora` can make none for this gold; says why."""


class Task(Part, ABC):
    version: ClassVar[str] = "1"  # raise it when prompts change: replies are kept by their words
    instructions: ClassVar[str] = "Answer the question."
    executors: ClassVar[tuple[str, ...]] = ()  # names, the default first; empty: answers are not run
    seed: int = 0  # the project's, set by the runtime: of questions that the task draws
    causes: ClassVar[tuple[str, ...]] = ("different",)  # every label that `cause` gives, in the order of looking
    json_answers: ClassVar[bool] = False  # the language is JSON: a user's file of golds is held to it
    demo: ClassVar[Mapping[str, Any]] = {}  # settings by dotted key under which `dstill demo` shows the pack
    quick: ClassVar[Mapping[str, Any]] = {}  # put before them by `dstill demo --quick`: less data, fewer steps
    options: ClassVar[tuple[Option, ...]] = ()  # that dstill's own commands get from this pack

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.raised: set[tuple[str, type[Exception]]] = set()  # reported with a traceback (`dstill.api.faults`)

    # --- questions ----------------------------------------------------------------------

    @abstractmethod
    def examples(self, split: str) -> Iterable[Example]:
        """The questions of one of `records.SPLITS`, the same ones at every call."""

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        """Questions with gold and rationale, at most `n`, made from `context`; nothing by default.

        `context` may hold what a user gives of their own data, by the pack's `options`; and ``focus``:
        ``categories`` and ``templates`` with how often a student failed there, to make more of these.
        """
        return ()

    def remarks(self) -> Iterable[str]:
        """What a person should know of the questions that were made last, a line each."""
        return ()

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        """Read what `engine` holds and describe it as a project, for ``dstill init --engine-url``.

        `settings`: the section of the executor that takes the url, an instance of its ``Config``. Only reads.
        Raises ServiceError, AuthError or UsageError; by default a task has nothing to describe.
        """
        raise UsageError(
            f"task '{self.name}' describes no server",
            where="--engine-url",
            hint="`dstill init` without it writes a dstill.toml to begin with",
        )

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """What `examples` were made from, in the form of `Executor.facts`: kept with the dataset."""
        return {}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        """What a student learnt of that is gone or another, by name, a line each, for a person who uses it.

        `then` is a result of `facts`, `now` one of it or of `Executor.facts`; nothing by default.
        """
        return ()

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        """Under which licence the data behind `examples` are, by their name; ``unknown`` for a user's own."""
        return {}

    def brief(self, context: Mapping[str, Any]) -> Brief:
        """What a teacher is told who is to invent questions about `context`, as `synthesize` gets it."""
        return Brief(about=f"Others turn the questions into answers, by these instructions:\n{self.instructions}")

    # --- teaching -----------------------------------------------------------------------

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        """What a teacher is asked: instructions and form, then shots, then the question."""
        system = (
            f"{self.instructions}\nThink step by step first. Reply in this form and nothing else:\n"
            f"{self.reply_text('why the answer is as it is', 'the answer')}"
        )
        messages = [Message(role="system", content=system)]
        for shot in shots:
            messages.append(Message(role="user", content=self.source(shot)))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        messages.append(Message(role="user", content=self.source(example)))
        return Prompt(example=example, messages=tuple(messages))

    def correction(self, problems: Sequence[Problem]) -> str:
        """What a teacher is told whose reply will not do, and who is asked once more."""
        return (
            "That reply cannot be used:\n"
            + "\n".join(f"- {problem}" for problem in problems)
            + "\nReply again, as a whole and in the same form."
        )

    def terms(self, answer: str) -> Iterable[str]:
        """What a rationale for `answer` should name, as the fields that it uses; nothing by default."""
        return ()

    def reply_text(self, rationale: str, answer: str) -> str:
        """The form in which a teacher replies; `parse` undoes it."""
        return f"<rationale>{rationale}</rationale><answer>{answer}</answer>"

    def parse(self, text: str) -> Draft | None:
        """A reply taken apart, or None when it is not in the form of `reply_text`."""
        match = _TAGGED.fullmatch(text)
        return Draft(answer=match["answer"].strip(), rationale=match["rationale"].strip()) if match else None

    # --- learning -----------------------------------------------------------------------

    def source(self, example: Example) -> str:
        """What a student reads for a question."""
        return example.question

    def grammar(self, example: Example) -> Grammar | None:
        """What a decoder may write, for constrained decoding."""
        return None

    # --- judging ------------------------------------------------------------------------

    @property
    @abstractmethod
    def checks(self) -> tuple[Check, ...]:
        """Named layers, in order."""

    def idle(self, example: Example) -> Iterable[str]:
        """The layers of `checks` that find nothing here because something they need is not known, as a schema."""
        return ()

    def canonical(self, answer: str) -> str:
        """One spelling for equal answers. Should not raise, whatever the text (`dstill.api.careful`)."""
        return answer.strip()

    def is_refusal(self, answer: str) -> bool:
        """Whether `answer` is a refusal, which is a legal answer of its own."""
        return False

    def same(self, got: Any, want: Any) -> bool:
        """Whether two results (`Outcome.value`) are the same."""
        return bool(got == want)

    def show(self, value: Any) -> str:
        """A result for a person, in a few lines. Default: its JSON, cut after 500 characters."""
        text = json.dumps(value, ensure_ascii=False, default=str)
        return text if len(text) <= 500 else text[:500] + " …"

    def contrast(self, got: Any, want: Any, corpus: Corpus | None = None) -> Contrast:
        """Two results that are not the same, for a person. Default: `show` of both."""
        return Contrast(gold=self.show(want), answer=self.show(got), corpus=corpus.name if corpus else "")

    def tables(self, value: Any) -> Sequence[Table]:
        """A result laid out for a person who asked for it; empty: as `show` has it."""
        return ()

    def empty(self, value: Any) -> bool:
        """Whether a result finds nothing: a question about data whose gold does is no use for learning."""
        return False

    def excerpt(self, example: Example, answer: str) -> Excerpt:
        """What a person reads beside the question to judge `answer`. Default: the example's context, cut short."""
        told = {name: json.dumps(value, ensure_ascii=False, default=str) for name, value in example.context.items()}
        rest = tuple((name, text if len(text) <= 500 else text[:500] + " …") for name, text in told.items())
        return Excerpt(title="context" if rest else "", rest=rest)

    def vacuous(self, value: Any, example: Example) -> bool:
        """Whether a gold's result tells nothing, so that agreeing with it proves nothing."""
        return False

    def arbitrary(self, value: Any, example: Example) -> bool:
        """Whether a gold's result hangs on chance, as a page that ends inside a tie."""
        return False

    def neighbours(self, example: Example) -> Iterable[Neighbour]:
        """Answers that a model might give for the gold and that mean something else: its mutants."""
        return ()

    def corpora(self, example: Example, k: int) -> Iterable[Corpus]:
        """At most `k` small data sets that tell the gold from its neighbours. Raises NoCorpora."""
        return ()

    def cause(self, got: str, want: str) -> Cause | None:
        """The first difference between an answer that ran and its gold, by a label of `causes`; None: there is none."""
        return None if self.canonical(got) == self.canonical(want) else Cause(label="different")

    def clauses(self, answer: str) -> Iterable[str] | None:
        """The parts of an answer that are right or wrong by themselves, as a bag; None: the language has none.

        Also None for an answer that is not in the language. Should not raise.
        """
        return None

    def problems(self, example: Example, draft: Draft, layers: Iterable[str] | None = None) -> Iterable[Problem]:
        """What the checks find, in order; a layer that cannot parse the answer is the last."""
        wanted = None if layers is None else set(layers)
        for check in self.checks:
            found = self._found(check, example, draft)
            if wanted is None or check.name in wanted:
                yield from found
            if check.parses and any(p.is_error for p in found):
                if wanted is not None and check.name not in wanted:
                    yield from found  # the asked layers could not run: say why
                return

    def _found(self, check: Check, example: Example, draft: Draft) -> tuple[Problem, ...]:
        try:
            return tuple(check.run(example, draft.answer))
        except PASSING:
            raise
        except Exception as error:
            return (refused(self, check.name, f"check '{check.name}'", error, example.id),)
