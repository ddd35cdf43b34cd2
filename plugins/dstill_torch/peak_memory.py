"""Measures the peak memory of a block, above what the process used before it.

    with PeakMemory("cpu") as peak:
        …
    peak.bytes

On a GPU it is the peak of torch's allocator. On a CPU it is the resident set size, which a thread samples every 20
milliseconds.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

__all__ = ["PeakMemory"]

INTERVAL = 0.02  # seconds


class PeakMemory:
    """A context manager that measures peak memory in bytes; `kind` is ``cuda`` or ``cpu``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._stop = threading.Event()
        self._peak = 0
        self._earlier = 0  # the peak of earlier laps, above the baseline

    def __enter__(self) -> Self:
        if self.kind == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
        else:
            import psutil  # type: ignore[import-untyped]  # accelerate brings it

            self._process = psutil.Process()
            self._before = self._peak = self._resident()
            self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)
            self._thread.start()
        return self

    @property
    def bytes(self) -> int:
        """The peak so far."""
        return max(self._earlier, self.latest)

    @property
    def latest(self) -> int:
        """The peak since the last `lap`, or since the start."""
        if self.kind == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated() - self._before)
        self._sample()
        return self._peak - self._before

    def lap(self) -> None:
        """Reset `latest` to the memory in use now."""
        self._earlier = self.bytes
        if self.kind == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            self._peak = self._resident()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.kind != "cuda":
            self._stop.set()
            self._thread.join()

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._sample()

    def _sample(self) -> None:
        self._peak = max(self._peak, self._resident())
