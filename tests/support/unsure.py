"""A student whose log-probability says how often it is right, for the toy: a plugin beside `toy.py`.

    dstill --plugin tests/support/toy.py --plugin tests/support/unsure.py train RUN --set train.student=unsure

It answers "add 3 and 4" with the right sum or with one that is off by one. Of the answers with log-probability p, the
share ``chance(p)`` is right; both are drawn from the question's text, so the same question gives the same answer.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.toy import Memorizer

from dstill import Predictor, Run, hookimpl
from dstill import config as configuration
from dstill.api.records import Grammar, ModelInput, Record
from dstill.api.student import Generation, Generator, Student
from dstill.plugins import Plugins, part_sections
from dstill.runs.folder import data_file
from dstill.runs.judgements import Judgements

FLAGS = {
    "project.task": "toy",
    "generate.teacher": "parrot",
    "train.student": "unsure",
    "train.objective": "plain",
    "evaluate.baselines": ["untrained"],
    "evaluate.splits": ["test"],
    "review.required": "never",
}


def chance(logprob: float) -> float:
    """How often an answer with this log-probability is right."""
    return 1 / (1 + math.exp(-(4 + 2.5 * logprob)))


class Guess(Generator):
    """Right or off by one."""

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for source in sources:
            draw = random.Random(source.text)
            logprob = -4 * draw.random() ** 2
            yield self._written(source.text, logprob, off=draw.random() > chance(logprob))

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """Its own answer as often as its probability says, else one that is off by two."""
        for source, own in zip(sources, self.generate(sources), strict=True):
            draw = random.Random(f"{seed} {source.text}")
            other = self._written(source.text, -3.0, off=2)
            assert own.logprob is not None
            yield tuple(own if draw.random() < math.exp(own.logprob) else other for _ in range(n))

    def _written(self, text: str, logprob: float, off: int) -> Generation:
        first, second = map(int, re.findall(r"\d+", text))
        return Generation.written(f"{first}+{second + off}", [logprob / 2] * 2, seconds=0.01, truncated=False)


class Unsure(Memorizer):
    """Answers sums, and knows how sure it may be."""

    name = "unsure"

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return Guess()


def records(split: str, count: int) -> Iterator[Record]:
    """Questions with their right answers; no other split has them."""
    start = ("train", "validation", "test").index(split) * 2_000
    for number in range(start, start + count):
        a, b = number // 90 + 1, number % 90 + 1
        yield Record(
            id=f"{split}-{a}-{b}", question=f"add {a} and {b}", answer=f"{a}+{b}", rationale="added", split=split
        )


def peoples(count: int, *, golds: bool = False) -> str:
    """The text of a file with questions that no split has."""
    rows = ((number // 90 + 1, number % 90 + 1) for number in range(6_000, 6_000 + count))
    golden = ({"question": f"add {a} and {b}", **({"answer": f"{a}+{b}"} if golds else {})} for a, b in rows)
    return "".join(json.dumps(row) + "\n" for row in golden)


def calibrated(run: Run, count: int = 300) -> Run:
    """The same run, with so many judgements by the golds of people's questions."""
    rows = [json.loads(line) for line in peoples(count, golds=True).splitlines()]
    with Predictor(run) as predictor, run.setup.opened_executor() as executor:
        questions = [replace(predictor.example(row["question"]), answer=row["answer"]) for row in rows]
        judgements = Judgements(run, predictor, executor, questions=questions)
        judgements.save(judgements.fit())
    run.save()
    return run


def trained(plugins: Plugins, folder: Path, counts: Mapping[str, int], **flags: Any) -> Run:
    """A run with so many questions of each split, whose student is trained."""
    keys = {**FLAGS, **{key.replace("__", "."): value for key, value in flags.items()}}
    config = configuration.load(flags=keys, environment={}, sections=part_sections(plugins))
    run = Run.create(folder, config=config, plugins=plugins)
    for split, count in counts.items():
        run.write(data_file(split), records(split, count))
    run.save()
    run.train()
    return run


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Unsure
