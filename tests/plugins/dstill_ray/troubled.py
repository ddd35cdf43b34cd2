"""A plugin: the student `tiny`, to which something happens in one of the workers.

TROUBLE     in the environment: "RANK STEP DEED", where the deed is fail or die
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


class Troubled(Tiny):
    name = "troubled"

    def fit(self, job: TrainingJob) -> TrainResult:
        rank, step, deed = os.environ.get("TROUBLE", "- 0 -").split()

        def on_step(done: int, total: int, values: Mapping[str, float]) -> None:
            job.on_step(done, total, values)
            time.sleep(float(os.environ.get("PACE", "0")))
            if os.environ.get("RANK") == rank and done == int(step):
                if deed == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise MemoryError("no room left in this worker")

        return super().fit(replace(job, on_step=on_step))


@hookimpl
def register_students() -> Iterable[type[Student]]:
    return [Troubled]
