"""Prompts with worked examples: for a teacher that labels questions, and for a large model that is compared.

shown = worked_examples(examples)
prompts(plugins, task, teacher, asked, shown, settings)   # a Prompt for each of `asked`
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dstill.api.records import Example, Prompt
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.config import Generate
from dstill.inputs import given
from dstill.io.spool import View
from dstill.plugins import Plugins
from dstill.runtime import spooled
from dstill.teacher import fence

__all__ = ["LONGEST", "prompter", "prompts", "worked_examples"]

LONGEST = 100_000  # characters; a longer reply is rejected


@dataclass(frozen=True)
class _Pool:
    """The worked examples that a prompt about `example` may show: not the example itself, nor the same question."""

    worked: Iterable[Example]
    example: Example

    def __iter__(self) -> Iterator[Example]:
        return (s for s in self.worked if s.id != self.example.id and s.question != self.example.question)


def prompts(
    plugins: Plugins,
    task: Task,
    teacher: Teacher,
    examples: Iterable[Example],
    worked: Sequence[Example],
    settings: Generate,
) -> Iterator[Prompt]:
    """The prompt about each of `examples`, with `settings.shots` of the `worked` examples."""
    return map(prompter(plugins, task, teacher, worked, settings), examples)


def prompter(
    plugins: Plugins, task: Task, teacher: Teacher, worked: Sequence[Example], settings: Generate
) -> Callable[[Example], Prompt]:
    """A function that makes the prompt about an example, as `prompts` does."""
    positions: dict[str, array[int]] = {}
    for at, example in enumerate(worked):
        positions.setdefault(example.category, array("Q")).append(at)
    by_category = {category: View(worked.__getitem__, places) for category, places in positions.items()}

    def prompt_about(example: Example) -> Prompt:
        shots = _shots(example, by_category, settings.shots)
        prompt = plugins.build_prompt(task, example, shots, _Pool(worked, example), settings)
        if teacher.is_lookup:
            return prompt
        return fence.added(given.explaining(prompt) if given.explains(example, settings) else prompt)

    return prompt_about


def worked_examples(examples: Iterable[Example]) -> Sequence[Example]:
    """Those of `examples` that a prompt may show: training questions with answer and rationale."""
    return spooled.examples(e for e in examples if e.answer is not None and e.rationale and e.split in ("", "train"))


def _shots(example: Example, by_category: Mapping[str, Iterable[Example]], k: int) -> list[Example]:
    """`k` worked examples, in rounds over the categories: two of the same category, then one of each other."""

    def shots_of(category: str) -> Iterator[Example]:
        return iter(_Pool(by_category.get(category, ()), example))

    own = shots_of(example.category)
    turns = [own, own, *(shots_of(category) for category in by_category if category != example.category)]
    chosen: list[Example] = []
    while len(chosen) < k and (taken := [shot for shots in turns if (shot := next(shots, None))]):
        chosen += taken
    return chosen[:k]
