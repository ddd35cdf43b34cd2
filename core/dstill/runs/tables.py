"""Scores and failures of a run as tables for Python: readable in a shell and a notebook, and for pandas.

run.scores["student"]["test"]["executable_accuracy"].value     →  0.977
run.scores.to_pandas()                                         system, split, metric, value, low, high, n
run.failures()[0].question, run.failures().to_pandas()
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, overload

from dstill.api.records import Row, Score
from dstill.errors import needs
from dstill.io.html import table
from dstill.io.inert import visible
from dstill.io.units import percent

if TYPE_CHECKING:
    import pandas

__all__ = ["Failure", "Failures", "Scores", "shown"]

TABLE_ROWS = 20  # rows of a list of failures in a notebook
CUT = 300  # characters of a text there


class Tabular(ABC):
    """Something with rows of named values."""

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """The rows, as JSON values by column name."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame. Raises MissingExtra if pandas is not installed."""
        with needs("to_pandas()", "pandas"):
            from pandas import DataFrame
        return DataFrame(self.rows(), columns=list(self.columns))


def shown(score: Score | None) -> str:
    """``97.7 % [93.6, 99.2]``; a dash if it was not measured."""
    if score is None or score.value is None:
        return "–"
    interval = "" if score.low is None or score.high is None else f" [{percent(score.low)}, {percent(score.high)}]"
    return f"{percent(score.value)} %{interval}"


class Scores(Mapping[str, Mapping[str, Mapping[str, Score]]], Tabular):
    """The scores of the last evaluation, by system, split and metric."""

    columns = ("system", "split", "metric", "value", "low", "high", "n", "note")

    def __init__(self, scores: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], headline: str) -> None:
        self._scores = {
            system: {
                split: {metric: Score.from_row(row) for metric, row in metrics.items()}
                for split, metrics in splits.items()
            }
            for system, splits in scores.items()
        }
        self.headline = headline  # the name of the metric that an evaluation is about

    def __getitem__(self, system: str) -> Mapping[str, Mapping[str, Score]]:
        return self._scores[system]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each score; `value`, `low` and `high` are shares, from 0 to 1."""
        return [
            {"system": system, "split": split, "metric": metric}
            | {name: getattr(score, name) for name in self.columns[3:]}
            for system, splits in self._scores.items()
            for split, metrics in splits.items()
            for metric, score in metrics.items()
        ]

    def headline_rows(self) -> list[tuple[str, ...]]:
        """The headline metric as text: a row for each split, after the split a cell for each system."""
        splits = dict.fromkeys(split for of_system in self._scores.values() for split in of_system)
        return [
            (split, *(shown(of_system.get(split, {}).get(self.headline)) for of_system in self._scores.values()))
            for split in splits
        ]

    def __repr__(self) -> str:
        title = f"{self.headline.replace('_', ' ')} (system: split value [95 % interval])"
        lines = [
            f"  {system}: " + ", ".join(f"{split} {shown(of.get(self.headline))}" for split, of in splits.items())
            for system, splits in self._scores.items()
        ]
        return visible("\n".join([title, *lines]))

    def _repr_html_(self) -> str:
        student = self._scores.get("student", {})
        metrics = dict.fromkeys(metric for of_split in student.values() for metric in of_split)
        others = [
            (metric.replace("_", " "), *(shown(of_split.get(metric)) for of_split in student.values()))
            for metric in metrics
        ]
        return table(("split", *self._scores), self.headline_rows(), caption=self.headline.replace("_", " ")) + table(
            ("metric", *student), others, caption="the student"
        )


@dataclass(frozen=True, kw_only=True)
class Failure(Row):
    """A wrong answer, beside the reference answer."""

    id: str  # of the question
    split: str
    category: str
    question: str
    answer: str  # empty: what the student wrote holds none
    gold: str
    reached: str  # how far it came: unparsed, parsed, valid or executed
    cause: str  # the first difference to the gold
    reason: str  # why it came no further
    confidence: float | None  # None: not known


class Failures(Sequence[Failure], Tabular):
    """Answers that are wrong, in the order of the questions."""

    columns = tuple(field.name for field in fields(Failure))

    def __init__(self, failures: Sequence[Failure], judged: int) -> None:
        self._failures = tuple(failures)
        self.judged = judged  # how many answers the evaluation could judge, right and wrong

    @overload
    def __getitem__(self, at: int) -> Failure: ...
    @overload
    def __getitem__(self, at: slice) -> Failures: ...
    def __getitem__(self, at: int | slice) -> Failure | Failures:
        if isinstance(at, slice):
            return Failures(self._failures[at], self.judged)
        return self._failures[at]

    def __len__(self) -> int:
        return len(self._failures)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each failure."""
        return [failure.to_row() for failure in self._failures]

    def __repr__(self) -> str:
        return f"{len(self)} wrong of {self.judged:,} judged answers"

    def _repr_html_(self) -> str:
        columns = ("id", "question", "answer", "gold", "cause")
        rows = [[str(getattr(failure, name))[:CUT] for name in columns] for failure in self._failures[:TABLE_ROWS]]
        more = f"; the first {TABLE_ROWS}" if len(self) > TABLE_ROWS else ""
        return table(columns, rows, caption=f"{self!r}{more}")
