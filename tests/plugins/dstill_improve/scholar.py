"""A plugin with a student that generalises, and a teacher that is wrong, for the toy's sums.

Scholar   learns for the first word of a question ("take") how most of its training answers write the two numbers
          ("second-first"), and writes that for every question with this word. What it draws is the second most
          frequent way.
Liar      a model, to dstill: answers every question with a sum that runs and is wrong

While ``stop`` is in the working folder, training ends as by Ctrl-C.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill import hookimpl
from dstill.api.records import Grammar, ModelInput, Prompt, Reply
from dstill.api.student import Generation, Generator, Student, TrainingJob, TrainResult
from dstill.api.teacher import Teacher

if TYPE_CHECKING:
    from support.toy import Memorizer
else:
    from dstill_plugin_toy import Memorizer  # as dstill has loaded it

WAYS = {"first+second": "{0}+{1}", "first-second": "{0}-{1}", "second-first": "{1}-{0}"}


class Scholar(Memorizer):
    name = "scholar"

    def fit(self, job: TrainingJob) -> TrainResult:
        if Path("stop").exists():
            raise KeyboardInterrupt
        result = super().fit(job)
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for pair in (pair for row in job.train for pair in row):
            seen[_word(pair.source)].update(n for n, way in WAYS.items() if _put(way, pair.source) == pair.target)
        known = {word: [way for way, _ in ways.most_common(2)] for word, ways in seen.items() if ways}
        (job.folder / "ways.json").write_text(json.dumps(known))
        return result

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return Ways(json.loads((folder / "ways.json").read_text()) if trained else {})


class Ways(Generator):
    def __init__(self, known: Mapping[str, Sequence[str]]) -> None:
        self.known = known

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for source in sources:
            yield self._written(source, 0)

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        for source in sources:
            yield (self._written(source, -1),) * n

    def _written(self, source: ModelInput, place: int) -> Generation:
        ways = self.known.get(_word(source.text), [])
        text = _put(WAYS[ways[place]], source.text) if ways else ""
        return Generation(text=text, tokens=len(text), seconds=0.01)


def _word(text: str) -> str:
    return text.removeprefix("predict: ").split()[0]


def _put(way: str, text: str) -> str:
    numbers = re.findall(r"\d+", text)
    return way.format(*numbers) if len(numbers) == 2 else ""


class Liar(Teacher):
    name = "liar"

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name, "question": prompt.example.question}

    async def ask(self, prompt: Prompt) -> Reply:
        text = self.task.reply_text("trust me", _put(WAYS["first-second"], prompt.example.question))
        return Reply(id=prompt.example.id, text=text)


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Scholar


@hookimpl
def register_teachers() -> Iterable[type[Teacher]]:
    yield Liar
