"""Encoded records: rows of numbers, and what every training asks of them.

data = Dataset(records=[(Row(source=[5, 9], target=[7, 1], weight=1.0, branch="predict: "),)], n_too_long=0)
require_learnable(data, validation, recipe)    # may raise DataError
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dstill.api.recipe import Recipe
from dstill.errors import DataError

__all__ = ["Dataset", "Encoded", "Row", "length", "require_learnable"]


@dataclass(frozen=True, slots=True)
class Row:
    """The token ids of one pair."""

    source: list[int]
    target: list[int]  # ends with the end-of-sequence token
    weight: float
    branch: str  # the pair's task prefix: each branch's loss is a mean over its own tokens
    task: list[int] = field(default_factory=list)  # the task word before the target; without a loss


Encoded = tuple[Row, ...]  # the rows of one record, always in one forward pass


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Encoded records."""

    records: list[Encoded]
    n_too_long: int  # records that were left out because they are over the limits
    epochs: int = 1  # of the training data that the records are

    @property
    def branches(self) -> list[str]:
        """Task prefixes, in order of first use."""
        return list(dict.fromkeys(row.branch for record in self.records for row in record))

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Encoded:
        """Record `index`; for ``~index`` the same record with weight 0, to fill up a batch."""
        if index >= 0:
            return self.records[index]
        return tuple(replace(row, weight=0.0) for row in self.records[~index])


def length(record: Encoded) -> int:
    """The tokens of a record's longest source and longest target together."""
    return max(len(row.source) for row in record) + max(len(row.target) for row in record)


def require_learnable(data: Dataset, validation: Dataset, recipe: Recipe) -> None:
    """Raises DataError if there is nothing to learn, or nothing to validate for early stopping."""
    if not any(row.weight for record in data.records for row in record):
        raise DataError(
            "nothing would be learned: every target has weight 0",
            where="train.label_weight = 0 learns only rationales, and no training record has one",
            hint="raise train.label_weight, or have a teacher write rationales",
        )
    if recipe.early_stopping != "none" and not len(validation):
        raise DataError(
            "without validation records, training would never stop early",
            where=f"train.early_stopping = {recipe.early_stopping}",
            hint="`dstill generate` makes a validation split; or set train.early_stopping = none",
        )
