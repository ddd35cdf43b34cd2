"""A task pack: what one structured language needs, in one class.

A pack defines ``name``, ``examples`` and ``checks``. Everything else has a default that suits a language that is
plain text with one right spelling for each answer.

    class Sums(Task):
        name = "sums"
        checks = (Check.of_parser("form", parse_sum),)    # parse_sum raises ValueError for what is no sum

        def examples(self, split):
            yield Example(id="1", question="one and two", answer="1 + 2", split=split)

A pack that can do more inherits the classes of `dstill.api.protocols` beside `Task`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Iterable, Sequence

from dstill.api.option import Option
from dstill.api.part import Part
from dstill.api.records import Cause, Draft, Example, Message, Problem, Prompt, Record
from dstill.io.strict_json import dumps

__all__ = ["Check", "Task", "data_of"]

_TAGGED = re.compile(r"\s*<rationale>(?P<rationale>.*?)</rationale>\s*<answer>(?P<answer>.*)</answer>\s*", re.DOTALL)


@dataclass(frozen=True)
class Check:
    """One named layer of checks over an answer; `dstill.api.checking` runs it.

    `run` gets any text that the layers marked ``parses`` let through, also one that another layer refused. It should
    not raise: an answer on which it raises is refused.
    """

    name: str
    run: Callable[[Example, str], Iterable[Problem]]
    parses: bool = False  # an error here means that the answer is not in the language at all
    cause: str = ""  # what a failure that stops here is called; empty: as the layer
    applies: Callable[[Example], bool] | None = None  # False for an example that lacks what the layer needs

    @classmethod
    def of_parser(cls, name: str, parse: Callable[[str], Any], *, hint: str = "", cause: str = "") -> Check:
        """A layer marked ``parses`` that refuses an answer on which `parse` raises ValueError, with its text.

        >>> check = Check.of_parser("form", int)
        >>> [str(problem) for problem in check.run(Example(id="1", question="?"), "one")]
        ["form: invalid literal for int() with base 10: 'one'"]
        """

        def run(example: Example, answer: str) -> Iterable[Problem]:
            try:
                parse(answer)
            except ValueError as error:
                yield Problem(layer=name, code="syntax_error", message=str(error), hint=hint)

        return cls(name, run, parses=True, cause=cause)


class Task(Part, ABC):
    """One language: its questions, its checks, and when two answers are equal.

    dstill calls the methods that are given an answer, or the result of one, with any text and any result. They should
    not raise; where one does, the default of this class answers instead (`dstill.api.careful`).
    """

    version: ClassVar[str] = "1"  # raise it when prompts change: replies are cached under it
    instructions: ClassVar[str] = "Answer the question."
    executors: ClassVar[tuple[str, ...]] = ()  # names, the default first; empty: answers are not run
    causes: ClassVar[tuple[str, ...]] = ("different",)  # every label that `cause` gives, in the order of looking
    data_key: ClassVar[str] = "data"  # of `Example.context`: the name of the data that a question is about (`data_of`)
    data_noun: ClassVar[str] = "data set"  # what people call such data: "table", "database"; default: the key
    json_answers: ClassVar[bool] = False  # answers are JSON: those in a user's file must be JSON too
    options: ClassVar[tuple[Option, ...]] = ()  # that dstill's own commands get from this pack
    seed: int = 0  # the project's, set by the runtime: for questions that the task draws

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "data_key" in vars(cls) and "data_noun" not in vars(cls):
            cls.data_noun = cls.data_key

    # --- questions and teaching ---------------------------------------------------------

    @abstractmethod
    def examples(self, split: str) -> Iterable[Example]:
        """The questions of `split`, one of `records.SPLITS`: the same ones at every call.

        `generate` calls it. May raise DataError or UsageError.

            yield Example(id="test-1", question="one and two", answer="1 + 2", split="test")
        """

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        """What the teacher is asked about `example`: instructions and form, then the worked `shots`, then the question.

        `generate` calls it once for each question. May raise DataError.
        """
        system = (
            f"{self.instructions}\nThink step by step first. Reply in this form and nothing else:\n"
            f"{self.reply_text('why the answer is as it is', 'the answer')}"
        )
        messages = [Message(role="system", content=system)]
        for shot in shots:
            messages.append(Message(role="user", content=self.model_input(shot)))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        messages.append(Message(role="user", content=self.model_input(example)))
        return Prompt(example=example, messages=tuple(messages))

    def correction(self, problems: Sequence[Problem]) -> str:
        """What the teacher is told when its reply has `problems` and it is asked once more.

        `generate` puts it after the reply, as a message of the user's.
        """
        return (
            "That reply cannot be used:\n"
            + "\n".join(f"- {problem}" for problem in problems)
            + "\nReply again, as a whole and in the same form."
        )

    def reply_text(self, rationale: str, answer: str) -> str:
        """A teacher's reply with `rationale` and `answer`; `parse` undoes it.

        <rationale>one and two are added</rationale><answer>1 + 2</answer>
        """
        return f"<rationale>{rationale}</rationale><answer>{answer}</answer>"

    def parse(self, text: str) -> Draft | None:
        """Answer and rationale of the reply `text`, or None when it does not have the form of `reply_text`.

        `generate` calls it for each reply: ``Draft(answer="1 + 2", rationale="one and two are added")``.
        """
        match = _TAGGED.fullmatch(text)
        return Draft(answer=match["answer"].strip(), rationale=match["rationale"].strip()) if match else None

    # --- learning -----------------------------------------------------------------------

    def model_input(self, example: Example) -> str:
        """What the student reads for `example`, in training and later. By default the question alone.

        May raise DataError. A task that shows a schema: ``f"{example.question}\\n{columns}"``.
        """
        return example.question

    # --- judging ------------------------------------------------------------------------

    @property
    @abstractmethod
    def checks(self) -> tuple[Check, ...]:
        """The layers of checks, in order. Every answer passes through them before anything runs it.

        A class attribute will do: ``checks = (Check("form", form, parses=True), Check("fields", fields))``.
        """

    def canonical(self, answer: str) -> str:
        """The same text for all spellings of one answer. Exact match and duplicates go by it.

        A language without line breaks: ``" ".join(answer.split())``.
        """
        return answer.strip()

    def is_refusal(self, answer: str) -> bool:
        """Whether `answer` says that the question cannot be answered. A refusal is legal, and nothing runs it."""
        return False

    def same(self, got: Any, want: Any) -> bool:
        """Whether two results (`Outcome.value`) are equal: this decides whether an answer is correct.

        Rows in any order: ``sorted(got) == sorted(want)``.
        """
        return bool(got == want)

    def cause(self, got: str, want: str) -> Cause | None:
        """The first difference between an answer that ran and the gold, or None where there is none.

        Its label is one of `causes`: ``Cause(label="operator", detail="+ for -")``. `evaluate` groups failures by it.
        """
        return None if self.canonical(got) == self.canonical(want) else Cause(label="different")

    def clauses(self, answer: str) -> Iterable[str] | None:
        """The parts of `answer` that are right or wrong on their own; the score ``clause_f1`` compares them as bags.

        None where the language has no such parts, or where `answer` is not in it. ``["colour = red", "price < 20"]``.
        """
        return None


def data_of(task: Task | type[Task], row: Example | Record) -> str:
    """The name of the data that a question is about, which is `Task.data_key` of its context; empty: it has none."""
    name = row.context.get(task.data_key)
    return "" if name is None else name if isinstance(name, str) else dumps(name)
