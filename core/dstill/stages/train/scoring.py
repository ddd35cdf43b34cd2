"""The accuracy of a student during its training, for early stopping."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from dstill.answering import steps
from dstill.api.records import Record
from dstill.api.student import Generator
from dstill.errors import DataError, ServiceError
from dstill.factory import Setup
from dstill.quality.data_monitor import engine_failures
from dstill.runtime import distributed

__all__ = ["scoring"]


@contextlib.contextmanager
def scoring(setup: Setup, validation: Sequence[Record]) -> Iterator[Callable[[Generator], float] | None]:
    """A function that measures a student during training on the first validation questions.

    It gives the executable accuracy (0 to 1), or the share of exact answers when the task has no executor. None when
    early stopping does not use the accuracy, and in all processes but the first. Raises DataError without validation
    rows; the function raises ServiceError when the engine is away.
    """
    recipe = setup.settings.train
    if recipe.early_stopping != "accuracy" or not distributed.is_main():
        yield None
        return
    if not validation:
        raise DataError(
            "no validation rows to take the accuracy from",
            where="train.early_stopping = accuracy",
            hint="`dstill generate` makes a validation set; or set train.early_stopping = loss or none",
        )
    examples = [record.example for record in validation[: recipe.early_stopping_sample]]
    with setup.opened_executor() as executor:

        def score(generator: Generator) -> float:
            predictions = steps.predict(generator, setup.objective, setup.task, examples)
            pairs = zip(examples, predictions, strict=True)
            verdicts = list(steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor))
            if away := engine_failures(verdicts):  # as wrong answers they would decide the best step
                raise ServiceError(
                    away,
                    where="train.early_stopping = accuracy",
                    hint="when the engine is available again, run the same command again to continue",
                )
            return sum(v.correct or (executor is None and v.exact is True) for v in verdicts) / len(verdicts)

        yield score
