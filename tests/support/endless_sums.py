"""The task `sums`, whose form makes questions without end: what a base is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import ClassVar

from support.sums_form import SumsForm, SumsTask, examples

from dstill import Task, hookimpl
from dstill.api.form import Token
from dstill.api.protocols import Linked
from dstill.linked import Reading

__all__ = ["EndlessForm", "EndlessTask"]


class EndlessForm(SumsForm):
    def replay(self, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
        for number in count():
            for example in examples(40, seed=1_000 * seed + number):
                reading = self.read(example)
                yield reading, self.encode(example.answer or "", reading)


class EndlessLinked(Linked):
    def form(self) -> EndlessForm:
        return EndlessForm()


class EndlessTask(SumsTask):
    name = "sums"
    protocols: ClassVar = {Linked: EndlessLinked}


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    return [EndlessTask]
