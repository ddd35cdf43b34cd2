"""Several trials at once, each in a process of its own, and an end that leaves none behind.

    with closing(finished(trials, [first, second, …], jobs=2)) as results:
        for result in results: …

Results come as they are ready, not in the order of the trials; one of two trials of a name is run.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Generator, Iterable

from dstill_sweep.trials import Result, Trial, Trials

__all__ = ["finished"]


def finished(trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
    """Closed early, as by Ctrl-C, it stops the trials that are under way."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            unique = {trial.name: trial for trial in wanted}
            for future in as_completed([pool.submit(trials.run, trial) for trial in unique.values()]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            trials.stop()
            raise
