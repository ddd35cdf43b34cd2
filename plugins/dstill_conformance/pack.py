"""The task pack under test: its questions, its golds, and its executor, as the checks of the kit need them.

    pack = Pack(task, executor_class=Table, limit=40)
    pack.golds[0].answer, pack.outcome(pack.golds[0]).value, pack.texts[3]

A method of the task that raises where it must not raises `Raised` instead, with the finding that names it.
"""

from __future__ import annotations

import functools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, zip_longest
from typing import Any, TypeVar

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.fallbacks import METHODS
from dstill.api.finding import Finding, line_of, line_of_error
from dstill.api.protocols import PROTOCOLS, KnownAnswers, NoTestDatabases, TestDatabases, methods_of, owner_of
from dstill.api.records import Draft, Example, Mutant, Outcome, Problem
from dstill.api.splits import TASK_SPLITS
from dstill.api.task import Task, TaskProtocol, data_of
from dstill.errors import AuthError, DstillError, MissingExtra, ServiceError
from dstill.plugins import Plugins
from dstill_conformance import texts
from dstill_conformance.fresh import Fresh

__all__ = ["LIMIT", "Pack", "Raised", "Rule", "quoted", "raised", "same_task", "watched"]

T = TypeVar("T", bound=Task)
Item = TypeVar("Item")

LIMIT = 60  # golds
MUTATED_GOLDS = 12  # of them, at least, have their mutants checked; of more than three times as many, a third
TIMEOUT = 1.0  # seconds
LONGEST = 60  # characters of an answer in a message
REFUSALS = 10  # of the golds that refuse, how many are checked
OWN_ERRORS = (NoTestDatabases, ImportError, MemoryError, MissingExtra, ServiceError, AuthError)


class Raised(Exception):
    """A method of the pack raised where it must not."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass
class Pack:
    """A task pack under test, and how to test it."""

    task: Task  # a new object of the class, without fallbacks; its methods will raise `Raised`
    executor_class: type[Executor] | None = None  # None: answers are not run
    executor_config: Any = None
    engine: Engine = field(default_factory=Engine)  # how the executor reaches its engine
    plugins: Plugins | None = None  # in which the task is registered; None: in none
    fresh: Callable[[], Fresh] | None = None  # the digests in a new process
    limit: int = LIMIT  # golds to check
    seed: int = 0  # of texts and samples
    timeout: float = TIMEOUT  # seconds after which the executor must stop an answer
    executor: Executor | None = None  # the opened one, while the kit runs answers
    unopened: Exception | None = None  # what `open` of the executor raised
    deadline: float = float("inf")  # of the current group, by `time.monotonic`
    cut: bool = False  # whether the current group stopped at its deadline
    raised: list[tuple[str, Exception]] = field(default_factory=list)  # by an executor's `execute`
    seconds: list[float] = field(default_factory=list)  # that each answer took
    figures: dict[str, float] = field(default_factory=dict)  # what was measured on the way
    _outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict, repr=False)
    _mutants: dict[str, tuple[Mutant, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        watched(self.task)

    def line(self, name: str = "") -> str:
        """The line of the pack's method or attribute `name`, of its task or of a protocol."""
        return line_of(owner_of(type(self.task), name), name)

    @property
    def executor_line(self) -> str:
        """The line of `execute`."""
        return line_of(self.executor_class, "execute") if self.executor_class is not None else ""

    def new_task(self) -> Task:
        """Another object of the task, with the same settings."""
        return watched(same_task(self.task))

    def new_executor(self) -> Executor:
        """An executor that is not open yet. What its `execute` raises is kept, with the answer, in `raised`."""
        assert self.executor_class is not None
        executor = self.executor_class(self.executor_config)
        own = executor.execute

        def execute(answer: str, example: Example) -> Outcome:
            try:
                return own(answer, example)
            except Exception as error:
                self.raised.append((answer, error))
                raise

        executor.execute = execute  # type: ignore[method-assign]
        return executor

    def timed(self, items: Iterable[Item]) -> Iterator[Item]:
        """`items`, until the time of the group is up."""
        for item in items:
            if time.monotonic() > self.deadline:
                self.cut = True
                return
            yield item

    # --- its questions ------------------------------------------------------------------

    @cached_property
    def elsewhere(self) -> Fresh | None:
        """The digests in a new process; None: there is none. Raises PluginError if it fails."""
        return self.fresh() if self.fresh is not None else None

    @cached_property
    def by_split(self) -> Mapping[str, Sequence[Example]]:
        """The examples of `Task.examples` for each split."""
        return {split: list(self.task.examples(split)) for split in TASK_SPLITS}

    @cached_property
    def examples(self) -> list[Example]:
        """The questions of all splits, each in its split."""
        return [replace(e, split=e.split or split) for split, rows in self.by_split.items() for e in rows]

    @cached_property
    def answered(self) -> list[Example]:
        """Those with a gold."""
        return [example for example in self.examples if example.answer is not None]

    @cached_property
    def golds(self) -> list[Example]:
        """Golds that do not refuse, at most `limit`, of as many splits and templates as possible."""
        return self._sample([e for e in self.answered if not self.task.is_refusal(e.answer or "")], self.limit)

    @property
    def mutated(self) -> list[Example]:
        """The golds whose mutants are checked, which takes long: each has up to dozens."""
        return self.golds[: max(MUTATED_GOLDS, self.limit // 3)]

    @cached_property
    def refusals(self) -> list[Example]:
        """Golds that refuse, a few of them."""
        return self._sample([e for e in self.answered if self.task.is_refusal(e.answer or "")], REFUSALS)

    def _sample(self, examples: Sequence[Example], n: int) -> list[Example]:
        """`n` of `examples`: one of each split and template, then another of each, and so on."""
        draw, groups = random.Random(f"sample {self.seed}"), defaultdict[tuple[str, ...], list[Example]](list)
        for example in draw.sample(examples, len(examples)):
            groups[example.split, example.category, example.template].append(example)
        in_turn = (e for turn in zip_longest(*groups.values()) for e in turn if e is not None)
        return list(islice(in_turn, n))

    @cached_property
    def one_of_each_data(self) -> list[Example]:
        """A gold about each data, or a question without a gold if there are only such."""
        by_data: dict[str, Example] = {}
        for example in [*self.golds, *self.examples[:1]]:
            by_data.setdefault(data_of(self.task, example), example)
        return list(by_data.values())[: self.limit]

    @cached_property
    def texts(self) -> list[str]:
        """Texts that a method or check may get: anything, and golds with changes."""
        return texts.any_text([example.answer or "" for example in self.golds], self.seed)

    # --- its answers --------------------------------------------------------------------

    def errors(self, answer: str, example: Example) -> list[Problem]:
        """The errors that the checks find in `answer`."""
        return [p for p in find_problems(self.task, example, Draft(answer=answer)) if p.is_error]

    def parsed(self, answer: str, example: Example) -> bool:
        """Whether the checks that parse accept `answer`."""
        parsing = {check.name for check in self.task.checks if check.parses}
        return not any(problem.layer in parsing for problem in self.errors(answer, example))

    def outcome(self, example: Example, answer: str | None = None) -> Outcome:
        """The outcome of `answer`, or of the gold, on the data of `example`; remembered."""
        assert self.executor is not None
        text = (example.answer or "") if answer is None else answer
        if (example.id, text) not in self._outcomes:
            started = time.perf_counter()
            self._outcomes[example.id, text] = self.executor.run(text, example)
            self.seconds.append(time.perf_counter() - started)
        return self._outcomes[example.id, text]

    def known(self, example: Example) -> Example:
        """`example` with what only the executor knows of its data."""
        if self.executor is None:
            return example
        return replace(example, context={**example.context, **self.executor.context(example)})

    def mutants_of(self, example: Example) -> tuple[Mutant, ...]:
        """The mutants of a gold."""
        if example.id not in self._mutants:
            self._mutants[example.id] = tuple(TestDatabases.of(self.task).mutants(self.known(example)))
        return self._mutants[example.id]

    def mutants(self) -> Iterator[tuple[Example, Mutant]]:
        """The mutants of each of the golds `mutated`."""
        for example in self.timed(self.mutated):
            for mutant in self.mutants_of(example):
                yield example, mutant

    def pairs(self, method: str) -> Iterator[tuple[Example, str, str]]:
        """The pairs of `KnownAnswers` that the author states, each with an example of their data."""
        known = KnownAnswers.of(self.task)
        for example in self.one_of_each_data:
            for first, other in getattr(known, method)(example):
                yield example, first, other

    def stated(self, method: str) -> Iterator[tuple[Example, str]]:
        """The answers of `KnownAnswers` that the author states, each with an example of their data."""
        known = KnownAnswers.of(self.task)
        for example in self.one_of_each_data:
            for answer in getattr(known, method)(example):
                yield example, answer


Rule = Callable[[Pack], Iterator[Finding]]


def same_task(task: Task) -> Task:
    """Another object of a task, with its settings, and without fallbacks."""
    fresh = type(task)(task.config)
    fresh.seed = task.seed
    return fresh


def quoted(text: str) -> str:
    """`text` for a message: cut, and with escapes for what cannot be seen."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def watched(task: T) -> T:
    """Let every method of `task` and its protocols raise `Raised` where it must not raise, and return `task` itself."""
    _watch(task, task)
    task.prepare_protocol = functools.partial(_watch, task)
    return task


def _watch(task: Task, owner: Task | TaskProtocol) -> None:
    homes: tuple[type[Task] | type[TaskProtocol], ...] = (Task, *PROTOCOLS)
    for home in homes:
        for name in methods_of(home) if isinstance(owner, home) else ():
            setattr(owner, name, _watched(task, owner, name))


def _watched(task: Task, owner: Task | TaskProtocol, name: str) -> Callable[..., Any]:
    own = getattr(owner, name)
    passed = OWN_ERRORS if name in METHODS else (*OWN_ERRORS, DstillError, OSError)

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            result = own(*args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result  # a generator raises where it is read
        except (*passed, Raised):
            raise
        except Exception as error:
            raise Raised(raised(task, name, args, error)) from error

    return method


def raised(task: Task, name: str, args: Sequence[Any], error: Exception, code: str = "method_raises") -> Finding:
    """The finding that `name` of a task raised `error` on `args`."""
    example = next((arg for arg in args if isinstance(arg, Example)), None)
    text = next((arg for arg in args if isinstance(arg, str)), None)
    on = f" on example '{example.id}'" if example and example.id else "" if text is None else f" on {quoted(text)}"
    if example and text is not None:
        on += f", {quoted(text)}"
    why = " ".join(str(error).split())[:200]
    return Finding(
        code=code,
        what=f"task '{task.name}': {name} raised {type(error).__name__}{on}: {why}",
        where=line_of_error(error, task) or line_of(owner_of(type(task), name), name),
        hint="handle this text: an answer can be any text, so checks and methods that take one must not raise",
    )
