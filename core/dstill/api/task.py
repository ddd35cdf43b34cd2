"""A task pack: one class that says what dstill needs to know about a structured language.

A pack defines ``name``, ``examples`` and ``checks``. Everything else has a default that suits a plain-text language in
which each answer has only one right spelling.

    class Sums(Task):
        name = "sums"
        checks = (Check.from_parser("form", parse_sum),)    # parse_sum raises ValueError for anything else

        def examples(self, split):
            yield Example(id="1", question="one and two", answer="1 + 2", split=split)

A pack that can do more names objects in `Task.protocols`, of the classes in `dstill.api.protocols`. The *gold* of an
example is its reference answer, `Example.answer`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pkgutil import resolve_name
from typing import Any, ClassVar, Self

from dstill.api.option import Option
from dstill.api.part import Part
from dstill.api.records import Cause, Draft, Example, Message, Problem, Prompt, Record
from dstill.errors import PluginError
from dstill.io.strict_json import dumps

__all__ = ["Check", "Task", "TaskProtocol", "data_of"]

_TAGS = re.compile(r"\s*<rationale>(?P<rationale>.*?)</rationale>\s*<answer>(?P<answer>.*)</answer>\s*", re.DOTALL)


@dataclass(frozen=True)
class Check:
    """One named layer of checks over an answer; `dstill.api.find_problems` runs it.

    `run` gets the example and the answer. It sees every text that the earlier layers marked ``parses`` accept, even if
    another layer refused it. It should not raise: an answer on which it raises is refused.
    """

    name: str  # `Problem.layer` of its problems
    run: Callable[[Example, str], Iterable[Problem]]
    parses: bool = False  # an error here means that the answer is not in the language: later layers do not run
    cause: str = ""  # label of failures that stop at this layer, in reports; empty: its name
    applies: Callable[[Example], bool] | None = None  # False: the example lacks what the layer needs, so skip it

    @classmethod
    def from_parser(cls, name: str, parse: Callable[[str], Any], *, hint: str = "", cause: str = "") -> Check:
        """A layer marked ``parses``: it refuses an answer if `parse` raises ValueError, with the error's text.

        An attribute ``pointer`` of the error says where in the answer (`Problem.pointer`).

        >>> check = Check.from_parser("form", int)
        >>> [str(problem) for problem in check.run(Example(id="1", question="?"), "one")]
        ["form: invalid literal for int() with base 10: 'one'"]
        """

        def run(_: Example, answer: str) -> Iterable[Problem]:
            try:
                parse(answer)
            except ValueError as error:
                pointer = getattr(error, "pointer", "")
                yield Problem(layer=name, code="syntax_error", message=str(error), pointer=pointer, hint=hint)

        run.__wrapped__ = parse  # type: ignore[attr-defined]  # `dstill.api.finding.line_of` names its line
        return cls(name, run, parses=True, cause=cause)


class TaskProtocol:
    """Base of the classes in `dstill.api.protocols`: something that a task can offer beyond `Task`.

    dstill creates one object for each object of the task, when it first needs it.
    """

    def __init__(self, task: Task) -> None:
        self.task = task

    @classmethod
    def of(cls, task: Task) -> Self:
        """The object of this protocol that `task` names, the same at every call; else one with the defaults."""
        protocol = task.protocol_objects.get(cls)
        if protocol is None:
            protocol = cls.class_of(type(task))(task)
            if task.prepare_protocol is not None:
                task.prepare_protocol(protocol)
            protocol = task.protocol_objects.setdefault(cls, protocol)
        assert isinstance(protocol, cls)
        return protocol

    @classmethod
    def class_of(cls, task: type[Task]) -> type[Self]:
        """The class that `task` names for this protocol, loaded on first use; else this one, with the defaults.

        Raises PluginError for a name that means no such class.
        """
        named = task.protocols.get(cls, cls)
        loaded = _load(named, f"{task.__name__}.protocols") if isinstance(named, str) else named
        if not (isinstance(loaded, type) and issubclass(loaded, cls)):
            what = f"which is not a subclass of dstill's {cls.__name__}"
            raise PluginError(f"{task.__name__}.protocols names {named!r}, {what}")
        return loaded


class Task(Part, ABC):
    """One language: its questions, its checks, and when two answers are equal.

    dstill calls the methods that take an answer or a result with any text and any result. They should not raise. If one
    does, dstill reports it and uses the default of this class for that call (`dstill.api.fallbacks`).
    """

    version: ClassVar[str] = "1"  # raise it when the instructions or checks change: the dataset card shows it
    base: ClassVar[str] = ""  # the student that `dstill ask` uses, and the default student, as ``base:sums``
    default: ClassVar[bool] = False  # it is the task where several packs are installed and none is named
    instructions: ClassVar[str] = "Answer the question."  # the first line of the teacher's system message
    executors: ClassVar[tuple[str, ...]] = ()  # names of executors, the default first; empty: answers are not run
    causes: ClassVar[tuple[str, ...]] = ("different",)  # every label that `cause` returns, in the order of checking
    data_key: ClassVar[str] = "data"  # key of `Example.context` that names the data of the question (`data_of`)
    data_noun: ClassVar[str] = "data set"  # what people call such data: "table", "database"; default: `data_key`
    # Keys of `Example.context` that describe the data, as ("schema",): data with the same description are the same data
    # under any name. Empty: `dstill.inputs.leakage.data_keys` says what is compared.
    schema_keys: ClassVar[tuple[str, ...]] = ()
    answer_keys: ClassVar[tuple[str, ...]] = ()  # what `dstill check` reads as "answer" in a row, too: ("query",)
    json_answers: ClassVar[bool] = False  # True: answers are JSON, so those in a user's file must be JSON too
    # Settings by dotted key with which `model_input` shows the schema: `dstill init` writes them for a pretrained base.
    schema_settings: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[tuple[Option, ...]] = ()  # options that this pack adds to dstill's commands
    # What the pack offers beyond this class: class of `dstill.api.protocols` → the pack's subclass of it, or its name,
    # which is loaded on first use: {Presentation: "dstill_sums.presentation:SumsPresentation"}.
    protocols: ClassVar[Mapping[type[TaskProtocol], type[TaskProtocol] | str]] = {}
    seed: int = 0  # of the project, set by dstill: for random choices in `examples`

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "data_key" in vars(cls) and "data_noun" not in vars(cls):
            cls.data_noun = cls.data_key

    # Not for packs: what `TaskProtocol.of` has made, and what it does with a new object.
    prepare_protocol: Callable[[TaskProtocol], None] | None = None

    @cached_property
    def protocol_objects(self) -> dict[type[TaskProtocol], TaskProtocol]:
        """Protocol → its object, of those in use. Packs call `TaskProtocol.of`."""
        return {}

    # --- questions and teaching ---------------------------------------------------------

    @abstractmethod
    def examples(self, split: str) -> Iterable[Example]:
        """The questions of `split`, one of `TASK_SPLITS`. Every call yields the same questions.

        `generate` calls it. A question that names no split is of `split`. May raise DataError or UsageError.

            yield Example(id="test-1", question="one and two", answer="1 + 2", split="test")
        """

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        """The prompt for `example`: instructions, the form of the reply, the worked examples `shots`, the question.

        `generate` calls it for each question. Each of the `shots` has an answer and a rationale. May raise DataError.
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
        """The message that asks the teacher to correct a reply with `problems`.

        `generate` sends it as a user message after the reply.
        """
        return (
            "That reply cannot be used:\n"
            + "\n".join(f"- {problem}" for problem in problems)
            + "\nReply again, as a whole and in the same form."
        )

    def reply_text(self, rationale: str, answer: str) -> str:
        """A reply in the form that the teacher is asked for. `parse` is its inverse.

        <rationale>one and two are added</rationale><answer>1 + 2</answer>
        """
        return f"<rationale>{rationale}</rationale><answer>{answer}</answer>"

    def parse(self, text: str) -> Draft | None:
        """Answer and rationale of the reply `text`; None if it does not have the form of `reply_text`.

        `generate` calls it for each reply, and an objective may call it for each output of a student. An example:
        ``Draft(answer="1 + 2", rationale="one and two are added")``.
        """
        match = _TAGS.fullmatch(text)
        return Draft(answer=match["answer"].strip(), rationale=match["rationale"].strip()) if match else None

    # --- learning -----------------------------------------------------------------------

    def model_input(self, example: Example) -> str:
        r"""The text that the student reads for `example`, in training and later. Default: only the question.

        May raise DataError. A task that shows a schema: ``f"{example.question}\n{columns}"``.
        """
        return example.question

    # --- judging ------------------------------------------------------------------------

    @property
    @abstractmethod
    def checks(self) -> tuple[Check, ...]:
        """The layers of checks, in order. dstill runs no answer that has an error.

        A class attribute is enough: ``checks = (Check("form", form, parses=True), Check("fields", fields))``.
        """

    def canonical(self, answer: str) -> str:
        """One text for all spellings of the same answer. Exact match and deduplication compare it.

        A language without line breaks: ``" ".join(answer.split())``.
        """
        return answer.strip()

    def is_refusal(self, answer: str) -> bool:
        """Whether `answer` says that the question cannot be answered. A refusal is valid, and is not run."""
        return False

    def same(self, got: Any, want: Any) -> bool:
        """Whether two results (`Outcome.value`) are equal. `want` is the gold's.

        To ignore the order of rows: ``sorted(got) == sorted(want)``.
        """
        return bool(got == want)

    def cause(self, got: str, want: str) -> Cause | None:
        """The first difference between an answer that ran, `got`, and the gold, `want`. None: they do not differ.

        `evaluate` groups failures by its label, one of `causes`: ``Cause(label="operator", detail="+ for -")``.
        """
        return None if self.canonical(got) == self.canonical(want) else Cause(label="different")

    def clauses(self, answer: str) -> Iterable[str] | None:
        """The parts of `answer` that are right or wrong on their own: ``["colour = red", "price < 20"]``.

        The metric ``clause_f1`` compares them with the gold's. None: the language has no such parts, or `answer` is not
        in the language.
        """
        return None


def _load(target: str, where: str) -> Any:
    """The object that ``module:Name`` means. Raises PluginError if there is none."""
    try:
        return resolve_name(target)
    except (AttributeError, ImportError, ValueError) as error:
        raise PluginError(f"{where} names '{target}', which cannot be loaded: {error}") from error


def data_of(task: Task | type[Task], row: Example | Record) -> str:
    """The name of the data that a question is about: `Task.data_key` of its context. Empty: it has none."""
    name = row.context.get(task.data_key)
    return "" if name is None else name if isinstance(name, str) else dumps(name)
