"""Training records as rows of numbers, and rows as batches.

    encoder = LinkedEncoder(form, max_length=1024, longest=96)
    data = encoder.encode(records)              # one row for each pair; `data.n_not_expressible` were left out
    batch = LinkedCollator(data.branches)(data.records[:48])
    LinkedLosses(model)(model, batch)           # the losses of the labelled tokens

The first pair of a record is the answer; another one must be the rationale, which has tokens of its own
(`Form.encode_rationale`). Both share one reading, which the model encodes once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.modality import Batch
from dstill.api.records import Pair
from dstill.errors import DataError, UsageError
from dstill.io.logs import log
from dstill.linked import Reading
from dstill_linked.shape import END, RATIONALE, START
from dstill_torch.batches import IGNORED_LABEL, padded
from dstill_torch.dataset import Dataset, Encoded, Row
from dstill_torch.loss import TokenLosses

if TYPE_CHECKING:
    import torch

    from dstill_linked import vocabulary
    from dstill_linked.vocabulary import Vocabulary

__all__ = ["READINGS", "LinkedCollator", "LinkedData", "LinkedEncoder", "LinkedLosses", "LinkedRow", "row_of"]

READINGS = 4_000  # different questions at most; each takes some 50 KB of memory and milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedRow(Row):
    """One pair. `source` is the numbers of the positions, `target` the tokens with their end."""

    reading: vocabulary.Row
    start: int  # what the target begins after


def row_of(vocabulary: Vocabulary, reading: Reading, tokens: Sequence[Token]) -> LinkedRow:
    """The row of an answer."""
    return LinkedRow(
        source=list(range(len(reading))),
        target=vocabulary.numbers(tokens),
        weight=1.0,
        branch="",
        reading=vocabulary.read(reading),
        start=START,
    )


@dataclass(frozen=True, kw_only=True)
class LinkedData(Dataset):
    """Encoded records."""

    n_not_expressible: int = 0  # records that were left out because the form has no tokens for their answer
    n_replayed: int = 0  # other questions among the records


class LinkedEncoder:
    """Encodes records of a task with a form.

    Args:
        form: The task's.
        max_length: Positions of a reading at most.
        longest: Tokens of a target at most, its end included.
    """

    def __init__(self, form: Form, *, max_length: int, longest: int) -> None:
        from dstill_linked.vocabulary import Vocabulary

        self.form = form
        self.vocabulary = Vocabulary.of(form)
        self.max_length = max_length
        self.longest = longest

    def encode(self, records: Sequence[Sequence[Pair]], *, what: str = "training") -> LinkedData:
        """Encode the records that the form can express within the limits; the others are counted and logged.

        Raises:
            UsageError: The objective has targets that are neither answer nor rationale.
            DataError: No record is left.
        """
        rows: list[Encoded] = []
        reasons: Counter[str] = Counter()
        n_too_long = 0
        for record in records:
            try:
                encoded = self._record(record)
            except NotExpressible as error:
                reasons[str(error)] += 1
                continue
            if all(len(row.source) <= self.max_length and len(row.target) <= self.longest for row in encoded):
                rows.append(encoded)
            else:
                n_too_long += 1
        self._report(what, len(records), reasons, n_too_long)
        if records and not rows:
            raise DataError(
                f"none of the {len(records)} {what} records can be learned",
                where=f"{reasons.total()} have no tokens in the task's form, {n_too_long} are too long",
                hint=f"the first: {next(iter(reasons))}"
                if reasons
                else "raise train.max_length, train.max_target_length or [student.linked] longest",
            )
        return LinkedData(records=rows, n_too_long=n_too_long, n_not_expressible=reasons.total())

    def replay(self, data: LinkedData, share: float, *, epochs: int, seed: int, limit: int = READINGS) -> LinkedData:
        """`data` of `epochs` epochs as one epoch, with questions of `Form.replay` as `share` of it.

        At most `limit` of these differ. They have the branch and the weight of the answers in `data`. What does not fit
        the limits is left out.
        """
        count = round(len(data) * epochs * share / (1 - share))
        answers = data.records[0][0]
        drawn: list[Encoded] = []
        for reading, tokens in islice(self.form.replay(seed), 2 * limit):
            if len(drawn) == min(count, limit):
                break
            if len(reading) <= self.max_length and len(tokens) < self.longest:
                row = row_of(self.vocabulary, reading, tokens)
                drawn.append((replace(row, branch=answers.branch, weight=answers.weight),))
        if not drawn:
            if count:
                log.warning("the task's form has no questions to replay: the student learns the dataset alone")
            return data
        repeated = list(islice(cycle(drawn), count))
        return replace(data, records=data.records * epochs + repeated, epochs=epochs, n_replayed=len(drawn))

    def _record(self, record: Sequence[Pair]) -> Encoded:
        if not record:
            raise NotExpressible("the objective gives no pair")
        example = record[0].example
        if example is None:
            raise UsageError(
                "this objective does not say which example a pair is of",
                where="train.objective",
                hint="set `Pair.example`; dss and label-only do",
            )
        reading = self.form.read(example)
        positions = self.vocabulary.read(reading)
        return tuple(
            LinkedRow(
                source=list(range(len(reading))),
                target=self.vocabulary.numbers(self._tokens(pair, reading, rationale=number > 0)),
                weight=pair.weight,
                branch=pair.task_prefix,
                reading=positions,
                start=RATIONALE if number else START,
            )
            for number, pair in enumerate(record)
        )

    def _tokens(self, pair: Pair, reading: Reading, *, rationale: bool) -> Sequence[Token]:
        example = pair.example
        wanted = example and (example.rationale if rationale else example.answer)
        if example is None or pair.target != wanted:
            raise UsageError(
                "student 'linked' learns answers and rationales apart, and this objective has another target",
                where=f"train.objective: {pair.task_prefix!r}",
                hint="train.objective = dss or label-only",
            )
        if rationale:
            return self.form.encode_rationale(pair.target, example.answer or "", reading)
        return self.form.encode(pair.target, reading)

    def _report(self, what: str, count: int, reasons: Counter[str], n_too_long: int) -> None:
        if reasons:
            reason, _ = reasons.most_common(1)[0]
            log.warning(
                "%d of %d %s records have no tokens in the task's form and are not used; most often: %s",
                reasons.total(),
                count,
                what,
                reason,
            )
        if n_too_long:
            log.warning("%d of %d %s records exceed the length limits and are not used", n_too_long, count, what)


class LinkedCollator:
    """Makes the batches: the tensors of `Sources`, and for R rows of at most T tokens

    previous [R, T]   what each token comes after
    place    [R]      the reading of each row; missing if every row has its own
    labels, branch, weight [R, T]   as in `dstill_finetune.collate.Collator`
    """  # noqa: D415 - a table

    def __init__(self, branches: Iterable[str]) -> None:
        self.branches: Mapping[str, int] = {branch: number for number, branch in enumerate(branches)}

    def __call__(self, records: Sequence[Encoded]) -> dict[str, Any]:
        import torch

        from dstill_linked.tensors import batch

        rows = [row for record in records for row in record if isinstance(row, LinkedRow)]
        readings = {id(row.reading): row.reading for row in rows}
        arrays: dict[str, Any] = {
            **vars(batch(list(readings.values()))),
            "previous": padded([[row.start, *row.target[:-1]] for row in rows], END),
            "labels": padded([row.target for row in rows], IGNORED_LABEL),
            "branch": padded([[self.branches[row.branch]] * len(row.target) for row in rows], 0),
            "weight": padded([[row.weight] * len(row.target) for row in rows], 0.0),
        }
        if len(readings) < len(rows):
            numbers = {reading: number for number, reading in enumerate(readings)}
            arrays["place"] = torch.tensor([numbers[id(row.reading)] for row in rows])
        return arrays

    def shapes(self, batch: Mapping[str, Any]) -> Batch:
        return Batch(
            source_shape=tuple(batch["mask"].shape),
            target_shape=tuple(batch["previous"].shape),
            loss_tokens=int((batch["labels"] != IGNORED_LABEL).sum()),
        )

    def tokens_read(self, batch: Mapping[str, Any]) -> int:
        """The positions of all readings and the tokens of all targets."""
        weighted = batch["weight"].any(dim=1)
        readings = batch["place"][weighted].unique() if "place" in batch else weighted
        return int(batch["mask"][readings].sum()) + int((batch["labels"][weighted] != IGNORED_LABEL).sum())


class LinkedLosses(TokenLosses):
    """The token losses of a linked model."""

    def __call__(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        from dstill_linked.model import Sources
        from dstill_linked.tensors import renumbered
        from dstill_torch.cross_entropy import cross_entropy

        labels = batch["labels"]
        labelled = labels != IGNORED_LABEL
        sources = Sources(**{name: batch[name] for name in Sources.__dataclass_fields__})
        if (
            self.model.training
        ):  # here, not in the collator: batches are made ahead, and a resumed training makes others
            sources = renumbered(sources)
        logits = model(sources, batch["previous"], batch.get("place"))
        return cross_entropy(logits[labelled], labels[labelled]), labelled
