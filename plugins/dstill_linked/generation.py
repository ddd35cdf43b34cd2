"""Generates answers in batches of similar length: greedy or sampled, with a key–value cache.

    list(LinkedGenerator(model, form, facts).generate([ModelInput(text="predict: …", example=…)]))
    →  [Generation(text="{…}", …)]

Rows that are finished leave the batch. If the form has a cursor (`Form.start`), answers keep to what it allows. Tokens
that the form cannot decode give a text that is no answer and says why: the checks then refuse it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dstill.api.form import Cursor, Form
from dstill.api.records import Grammar, ModelInput
from dstill.api.student import Generation, Generator
from dstill.errors import UsageError
from dstill.linked import Reading
from dstill_finetune.torch_settings import cpu_threads

if TYPE_CHECKING:
    import torch

    from dstill_linked import tensors
    from dstill_linked.model import LinkedModel
    from dstill_linked.saving import LinkedFacts

__all__ = ["LinkedGenerator"]

BATCH = 64
FIRST_LOOK = 4  # tokens
SHOWN = 300  # characters of tokens that are no answer


class LinkedGenerator(Generator):
    """Generates with a linked model.

    Args:
        model: In its place on the device.
        form: The task's.
        facts: Of the student: its branches and limits.
        constrain: Write only what the form's cursor allows, if it has one.
    """

    def __init__(self, model: LinkedModel, form: Form, facts: LinkedFacts, *, constrain: bool = True) -> None:
        from dstill_linked.tensors import Vocabulary

        self.model = model.eval()
        self.form = form
        self.facts = facts
        self.constrain = constrain
        self.batch = BATCH
        self.vocabulary = Vocabulary.of(form)

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        return self._each(sources, 0.0)

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
        """Sampled with torch's global generator, whose state is restored afterwards; the cursor constrains, if any."""
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            drawn = list(self._each([source for source in sources for _ in range(n)], temperature))
        yield from (tuple(drawn[at : at + n]) for at in range(0, len(drawn), n))

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        """Positions of each reading."""
        return [len(self.form.read(source.example)) for source in sources]

    def _each(self, sources: Sequence[ModelInput], temperature: float) -> Iterator[Generation]:
        rows = [self._row(source) for source in sources]
        ordered = sorted(rows, key=lambda row: len(row.reading))
        for at in range(0, len(ordered), self.batch):
            self._write(ordered[at : at + self.batch], temperature)
        for row in rows:
            yield Generation(
                text=self._text(row), tokens=len(row.written), seconds=row.seconds, truncated=not row.ended
            )

    def _row(self, source: ModelInput) -> _Row:
        from dstill_linked.model import RATIONALE, START

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
        from dstill_linked.model import RATIONALE

        tokens = self.vocabulary.text(row.written)
        if row.start == RATIONALE:
            return self.form.decode_rationale(tokens, row.reading)
        try:
            return self.form.decode(tokens, row.reading)
        except Exception as error:  # tokens of a model may be anything, also what a form did not foresee
            shown = " ".join(f"@{token}" if isinstance(token, int) else token for token in tokens)
            shown = "".join(char if char.isprintable() else " " for char in shown)
            return f"not an answer: {error or type(error).__name__}; tokens: {shown[:SHOWN]}"

    def _write(self, rows: Sequence[_Row], temperature: float) -> None:
        """Write the answers of one batch."""
        import torch

        from dstill_linked.model import RATIONALE, START
        from dstill_linked.tensors import batch

        started = time.perf_counter()
        device = self.model.relations.weight.device
        with torch.inference_mode(), cpu_threads(self.facts.threads):
            sources = batch([row.positions for row in rows]).to(device)
            cache = self.model.start(self.model.encode(sources), sources.mask)
            writing = list(rows)
            previous = torch.tensor([[row.start] for row in rows], device=device)
            for _ in range(min(self.facts.max_target_length, self.model.shape.longest)):
                scores = self.model.decode(cache, previous)[:, -1].float()
                scores[:, [START, RATIONALE]] = -torch.inf
                chosen = self._drawn(scores, writing, temperature) if temperature else self._best(scores, writing)
                kept = [
                    place for place, (row, number) in enumerate(zip(writing, chosen.tolist(), strict=True))
                    if self._push(row, number)
                ]  # fmt: skip
                if not kept:
                    break
                if len(kept) < len(writing):
                    writing = [writing[place] for place in kept]
                    places = torch.tensor(kept, device=device)
                    cache.take(places)
                    chosen = chosen[places]
                previous = chosen[:, None]
        seconds = (time.perf_counter() - started) / len(rows)
        for row in rows:
            row.seconds += seconds

    def _push(self, row: _Row, number: int) -> bool:
        """Add a token; False if the answer ends."""
        from dstill_linked.model import END

        row.written.append(number)
        row.ended = number == END
        if not row.ended and row.cursor is not None:
            row.cursor = row.cursor.push(self.vocabulary.token(number))
        return not row.ended

    def _best(self, scores: torch.Tensor, rows: Sequence[_Row]) -> torch.Tensor:
        """The allowed token with the best score, of each row.

        The best few are looked at first: a trained student is seldom wrong, and all that is allowed takes longer.
        """
        import torch

        best = scores.topk(FIRST_LOOK).indices.tolist()
        found = [next((one for one in few if self._allows(row, one)), -1) for few, row in zip(best, rows, strict=True)]
        others = [place for place, number in enumerate(found) if number < 0]
        if others:
            masked = self._allowed(scores[others], [rows[place] for place in others])
            for place, number in zip(others, masked.argmax(-1).tolist(), strict=True):
                found[place] = number
        return torch.tensor(found, device=scores.device)

    def _allows(self, row: _Row, number: int) -> bool:
        from dstill_linked.model import RATIONALE, START

        if number in (START, RATIONALE):
            return False
        return row.cursor is None or row.cursor.allows(self.vocabulary.token(number))

    def _drawn(self, scores: torch.Tensor, rows: Sequence[_Row], temperature: float) -> torch.Tensor:
        import torch

        return torch.multinomial(torch.softmax(self._allowed(scores, rows) / temperature, -1), 1)[:, 0]

    def _allowed(self, scores: torch.Tensor, rows: Sequence[_Row]) -> torch.Tensor:
        """Scores with -inf for what must not come next: ``[rows, tokens + positions]``."""
        import torch

        from dstill_linked.model import END

        if all(row.cursor is None for row in rows):
            return scores
        mask = torch.zeros(scores.shape, dtype=torch.bool)
        for place, row in enumerate(rows):
            if row.cursor is None:
                mask[place] = True
                continue
            mask[place, self._numbers_of(row.cursor)] = True
            mask[place, END] |= not bool(mask[place].any())  # nothing may follow: the answer ends, and is refused
        return scores.masked_fill(~mask.to(scores.device), -torch.inf)

    def _numbers_of(self, cursor: Cursor) -> torch.Tensor:
        import torch

        return torch.tensor([self.vocabulary.number(token) for token in cursor.allowed()], dtype=torch.long)


@dataclass
class _Row:
    """One answer in progress."""

    reading: Reading
    positions: tensors.Row
    start: int  # START or RATIONALE
    cursor: Cursor | None
    written: list[int] = field(default_factory=list)
    ended: bool = False
    seconds: float = 0.0
