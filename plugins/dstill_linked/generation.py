"""Generates answers in batches of similar length: greedy or sampled, with a key–value cache.

    list(LinkedGenerator(scorer, form, facts).generate([ModelInput(text="predict: …", example=…)]))
    →  [Generation(text="{…}", …)]

A `Scorer` is the model: `dstill_linked.numpy_scorer`, or `dstill_linked.torch_scorer` while it is trained and for large
ones. Rows that are finished leave the batch. If the form has a cursor (`Form.start`), answers keep to what it allows.
Tokens that the form cannot decode give a text that is no answer and says why: the checks then refuse it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from dstill.api.form import Cursor, Form
from dstill.api.records import Grammar, ModelInput
from dstill.api.student import Generation, Generator
from dstill.errors import UsageError
from dstill.linked import Reading
from dstill_linked.shape import END, RATIONALE, START, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dstill_linked.saving import LinkedFacts
    from dstill_linked.vocabulary import Row

__all__ = ["LinkedGenerator", "Scorer", "Scores"]

FIRST_LOOK = 4  # tokens
TEXT_WIDTH = 300  # characters of tokens that are no answer


class Scores(Protocol):
    """Scores of what comes next in the answers of some rows."""

    def step(self, previous: NDArray[np.int64]) -> NDArray[np.float32]:
        """The scores after one more token each, ``[rows, tokens + positions]``. The caller may change them."""

    def take(self, rows: Sequence[int]) -> None:
        """Keep some rows, in this order."""


class Scorer(Protocol):
    """A linked model that answers."""

    shape: Shape
    batch: int  # rows that are fastest together

    def running(self) -> AbstractContextManager[object]:
        """The block in which `start` and its scores are used."""

    def start(self, rows: Sequence[Row]) -> Scores:
        """Read the questions of some rows."""


class LinkedGenerator(Generator):
    """Generates with a linked model.

    Args:
        scorer: The model.
        form: The task's.
        facts: Of the student: its branches and limits.
        constrain: Write only what the form's cursor allows, if it has one.
    """

    def __init__(self, scorer: Scorer, form: Form, facts: LinkedFacts, *, constrain: bool = True) -> None:
        from dstill_linked.vocabulary import Vocabulary

        self.scorer = scorer
        self.form = form
        self.facts = facts
        self.constrain = constrain
        self.unsure_below = facts.unsure_below
        self.vocabulary = Vocabulary.of(form)

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        return self._each(sources)

    def generate_constrained(
        self, sources: Sequence[ModelInput], grammars: Sequence[Grammar | None]
    ) -> Iterator[Generation]:
        """As `generate`: the form's cursor takes the place of grammars, which are about text."""
        if sources and not (self.constrain and self.form.start(self.form.read(sources[0].example)) is not None):
            raise UsageError(
                "this student is not constrained: "
                + ("[student.linked] constrain is false" if not self.constrain else "the task's form has no cursor"),
                where="evaluate.constrain = true",
                hint="set it to false",
            )
        return self.generate(sources)

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """Sampled with numpy's generator for `seed`; the cursor constrains, if any."""
        import numpy as np

        random = _Sampling(np.random.default_rng(seed), temperature)
        drawn = list(self._each([source for source in sources for _ in range(n)], random))
        yield from (tuple(drawn[at : at + n]) for at in range(0, len(drawn), n))

    def candidates(
        self, sources: Sequence[ModelInput], n: int, *, least_logprob: float = -math.inf
    ) -> Iterator[tuple[Generation, ...]]:
        """By beam search, each source alone."""
        for source in sources:
            rows = self._beam(self._row(source), n, least_logprob)
            seconds = sum(row.seconds for row in rows) / max(1, len(rows))
            yield tuple(
                Generation.written(self._text(row), row.logprobs, seconds=seconds, truncated=not row.ended)
                for row in rows
            )

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        """Positions of each reading."""
        return [len(self.form.read(source.example)) for source in sources]

    def _each(self, sources: Sequence[ModelInput], sampling: _Sampling | None = None) -> Iterator[Generation]:
        rows = [self._row(source) for source in sources]
        ordered = sorted(rows, key=lambda row: len(row.reading))
        size = self.scorer.batch
        for at in range(0, len(ordered), size):
            self._write(ordered[at : at + size], sampling)
        for row in rows:
            yield Generation.written(self._text(row), row.logprobs, seconds=row.seconds, truncated=not row.ended)

    def _row(self, source: ModelInput) -> _Row:
        started = time.perf_counter()
        reading = self.form.read(source.example)
        explains = any(source.text.startswith(branch) for branch in self.facts.branches[1:])
        return _Row(
            reading=reading,
            positions=self.vocabulary.read(reading),
            start=RATIONALE if explains else START,
            cursor=self.form.start(reading) if self.constrain and not explains else None,
            seconds=time.perf_counter() - started,
        )

    def _text(self, row: _Row) -> str:
        tokens = self.vocabulary.text(row.written)
        if row.start == RATIONALE:
            return self.form.decode_rationale(tokens, row.reading)
        try:
            return self.form.decode(tokens, row.reading)
        except Exception as error:  # tokens of a model may be anything, also what a form did not foresee
            shown = " ".join(f"@{token}" if isinstance(token, int) else token for token in tokens)
            shown = "".join(char if char.isprintable() else " " for char in shown)
            return f"not an answer: {error or type(error).__name__}; tokens: {shown[:TEXT_WIDTH]}"

    def _write(self, rows: Sequence[_Row], sampling: _Sampling | None) -> None:
        """Write the answers of one batch."""
        import numpy as np

        started = time.perf_counter()
        with self.scorer.running():
            answers = self.scorer.start([row.positions for row in rows])
            writing = list(rows)
            chosen = np.array([row.start for row in rows])
            for _ in range(min(self.facts.max_target_length, self.scorer.shape.longest)):
                scores = answers.step(chosen)
                scores[:, [START, RATIONALE]] = -np.inf
                before = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
                chosen = self._best(scores if sampling is None else sampling.perturbed(scores), writing)
                logprobs = before[np.arange(len(writing)), chosen].tolist()
                beams = [
                    place
                    for place, beam in enumerate(zip(writing, chosen.tolist(), logprobs, strict=True))
                    if self._push(*beam)
                ]
                if not beams:
                    break
                if len(beams) < len(writing):
                    writing = [writing[place] for place in beams]
                    answers.take(beams)
                    chosen = chosen[beams]
        seconds = (time.perf_counter() - started) / len(rows)
        for row in rows:
            row.seconds += seconds

    def _beam(self, row: _Row, n: int, least_logprob: float) -> list[_Row]:
        """The most probable answers that were found, at most `n`."""
        import numpy as np

        started = time.perf_counter()
        writing, ended = [row], list[_Row]()
        previous = np.array([row.start])
        with self.scorer.running():
            answers = self.scorer.start([row.positions])
            for _ in range(min(self.facts.max_target_length, self.scorer.shape.longest)):
                scores = answers.step(previous)
                scores[:, [START, RATIONALE]] = -np.inf
                scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
                longer = [
                    (sum(beam.logprobs) + float(scores[place, number]), place, number)
                    for place, beam in enumerate(writing)
                    for number in self._several(scores[place], beam.cursor, n, least_logprob - sum(beam.logprobs))
                ]
                longer = sorted(longer, reverse=True)[:n]
                rows = [writing[place].after(number, float(scores[place, number])) for _, place, number in longer]
                alive = [at for at, beam in enumerate(rows) if self._goes_on(beam)]
                ended += [beam for beam in rows if beam.ended]
                ended = sorted(ended, key=lambda beam: -sum(beam.logprobs))[:n]
                if not alive or (len(ended) == n and sum(ended[-1].logprobs) > longer[alive[0]][0]):
                    break
                writing = [rows[at] for at in alive]
                answers.take([longer[at][1] for at in alive])
                previous = np.array([longer[at][2] for at in alive])
        best = ended or writing[:1]
        for beam in best:
            beam.seconds = row.seconds + time.perf_counter() - started
        return best

    def _goes_on(self, row: _Row) -> bool:
        """Move the cursor to the last token; False if the answer ends."""
        number = row.written[-1]
        row.ended = number == END
        if not row.ended and row.cursor is not None:
            row.cursor = row.cursor.push(self.vocabulary.token(number))
        return not row.ended

    def _several(self, scores: NDArray[np.float32], cursor: Cursor | None, n: int, least: float) -> list[int]:
        """The `n` allowed tokens with the best scores of at least `least`, or fewer."""
        best = scores.argsort()[::-1][: 4 * n].tolist()
        ranked = [number for number in best if scores[number] >= least and scores[number] > -math.inf]
        if cursor is None or not ranked:
            return ranked[:n]
        allowed = [number for number in ranked if cursor.allows(self.vocabulary.token(number))][:n]
        return allowed or [self._allowed(scores, cursor)]

    def _push(self, row: _Row, number: int, logprob: float) -> bool:
        """Add a token; False if the answer ends."""
        row.written.append(number)
        row.logprobs.append(logprob)
        row.ended = number == END
        if not row.ended and row.cursor is not None:
            row.cursor = row.cursor.push(self.vocabulary.token(number))
        return not row.ended

    def _best(self, scores: NDArray[np.float32], rows: Sequence[_Row]) -> NDArray[np.int64]:
        """The allowed token with the best score, of each row."""
        best: NDArray[np.int64] = scores.argmax(1)
        for place, row in enumerate(rows):
            if row.cursor is not None:
                best[place] = self._allowed(scores[place], row.cursor)
        return best

    def _allowed(self, scores: NDArray[np.float32], cursor: Cursor) -> int:
        """The allowed token with the best score.

        The best few are looked at first: a trained student is seldom wrong, and all that is allowed takes longer.
        """
        for _ in range(FIRST_LOOK):
            number = int(scores.argmax())
            if cursor.allows(self.vocabulary.token(number)):
                return number
            scores[number] = -float("inf")
        numbers = [self.vocabulary.number(token) for token in cursor.allowed()]
        return max(numbers, key=scores.__getitem__, default=END)  # nothing may follow: the answer ends, and is refused


@dataclass(frozen=True)
class _Sampling:
    """Draws tokens with the probabilities of a softmax: the best score after Gumbel noise (Gumbel 1954)."""

    random: np.random.Generator
    temperature: float

    def perturbed(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores whose best is a draw, also among some of them."""
        noise = self.random.gumbel(size=scores.shape).astype(scores.dtype)
        return scores / self.temperature + noise


@dataclass
class _Row:
    """One answer in progress."""

    reading: Reading
    positions: Row
    start: int  # START or RATIONALE
    cursor: Cursor | None
    written: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)  # of the written tokens
    ended: bool = False
    seconds: float = 0.0

    def after(self, number: int, logprob: float) -> _Row:
        """A copy with one more token. Its cursor is still before that token."""
        return replace(self, written=[*self.written, number], logprobs=[*self.logprobs, logprob])
