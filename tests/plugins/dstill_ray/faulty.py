"""A plugin: the student `tiny`, which fails in one of the workers.

FAULT     in the environment: "RANK STEP ACTION", where the action is fail or die
PACE        seconds that each step takes longer
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from dstill import hookimpl
from dstill.api.student import Student, TrainingJob, TrainResult
from dstill_finetune.tiny import Tiny


class Faulty(Tiny):
    name = "faulty"

    def fit(self, job: TrainingJob) -> TrainResult:
        rank, step, action = os.environ.get("FAULT", "- 0 -").split()

        def on_step(done: int, total: int, values: Mapping[str, float]) -> None:
            job.on_step(done, total, values)
            time.sleep(float(os.environ.get("PACE", "0")))
            if os.environ.get("RANK") == rank and done == int(step):
                if action == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise MemoryError("no room left in this worker")

        return super().fit(replace(job, on_step=on_step))


@hookimpl
def register_students() -> Iterable[type[Student]]:
    return [Faulty]
