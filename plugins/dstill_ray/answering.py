"""Answers the test questions with several workers of a Ray cluster, by Ray Data.

    run.answerer = Answers(run=run, resources=Resources(workers=2))
    run.evaluate()            # as in one process: each worker calls `dstill.stages.evaluate.predicting.predicted`

What travels through Ray are positions and answers: each worker reads the questions and the student from the run's
folder. A block of questions is answered as a whole by one worker, and the blocks come back in their order, so the
files are those of one process. Judging stays in the command's process, which has the connection to the engine.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstill import plugins
from dstill.api.records import Example, Prediction
from dstill.errors import ServiceError
from dstill.runs.run import Run
from dstill.stages.evaluate.predicting import BLOCK, predicted
from dstill_ray.cluster import change_folder, last_line, warn_if_too_small
from dstill_ray.coordinator import error_from_row, error_to_row
from dstill_ray.training import Resources

__all__ = ["Answers"]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A `dstill.stages.evaluate.answering.Answerer` for a cluster."""

    run: Run
    resources: Resources
    flags: Mapping[str, Any] = field(default_factory=dict)  # of the command

    def __call__(
        self,
        examples: Sequence[Example],
        done: Mapping[str, Prediction],
        save: Callable[[Sequence[Prediction]], None],
    ) -> list[Prediction]:
        starts = range(0, len(examples), BLOCK)
        known = {at: [done.get(example.id) for example in examples[at : at + BLOCK]] for at in starts if done}
        missing = [at for at in starts if at not in known or None in known[at]]
        new = self._made(missing)
        predictions: list[Prediction] = []
        for at in starts:
            if at in known and None not in known[at]:
                predictions += [prediction for prediction in known[at] if prediction is not None]
            else:
                block = next(new)
                save(block)
                predictions += block
            self.run.progress("answering (student)", len(predictions), len(examples))
        return predictions

    def _made(self, starts: Sequence[int]) -> Iterator[list[Prediction]]:
        """The predictions of the blocks that begin at `starts`, in their order. Raises what a worker raised."""
        if not starts:
            return
        import ray
        from ray.exceptions import RayError

        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        resources = self.resources.per_worker()
        warn_if_too_small(self.resources.workers, resources)
        answered = ray.data.from_items(
            [{"start": start} for start in starts], override_num_blocks=len(starts)
        ).map_batches(
            Worker,
            fn_constructor_args=(self._job(),),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=self.resources.workers),
            num_cpus=resources["CPU"],
            num_gpus=resources.get("GPU", 0),
        )
        try:
            for row in answered.iter_rows():
                if row["error"]:
                    raise error_from_row(json.loads(row["error"]))
                yield [Prediction.from_row(load) for load in json.loads(row["answers"])]
        except RayError as error:
            raise ServiceError(
                f"answering on Ray failed: {last_line(error)}",
                hint="every machine needs dstill, and the run's folder at the same path; --debug shows more",
            ) from error

    def _job(self) -> dict[str, Any]:
        return {
            "run": str(self.run.folder.absolute()),
            "folder": str(Path.cwd()),
            "flags": dict(self.flags),
            "plugins": [str(file.absolute()) for file in self.run.plugins.files],
        }


class Worker:
    """A process with the student. Ray Data calls it with the position of one block at a time."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self._job = job
        self._answer: Callable[[int], Sequence[Prediction]] | None = None

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """The answers of a block as JSON; an error as plain data, as in training."""
        (start,) = batch["start"]
        try:
            self._answer = self._answer or self._opened()
            answers = [prediction.to_row() for prediction in self._answer(int(start))]
        except Exception as error:
            return {"answers": [""], "error": [json.dumps(error_to_row(error))]}
        return {"answers": [json.dumps(answers)], "error": [""]}

    def _opened(self) -> Callable[[int], Sequence[Prediction]]:
        change_folder(Path(self._job["folder"]))
        loaded = plugins.load(map(Path, self._job["plugins"]))
        run = Run.open(self._job["run"], flags=self._job["flags"], plugins=loaded, trusted=True)
        records, generator = run.scored(), run.generator()

        def answer(start: int) -> Sequence[Prediction]:
            block = [record.example for record in records[start : start + BLOCK]]
            return list(predicted(run.setup, generator, "student", block, done={}, save=lambda _: None))

        return answer
