"""Peak memory of a stretch of work, above what the process held before it.

    with PeakMemory("cpu") as peak:
        …
    peak.bytes

On a GPU it is what torch's allocator held at most; on the CPU the resident set, looked at
every 20 milliseconds by a thread.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

__all__ = ["PeakMemory"]

INTERVAL = 0.02  # seconds


class PeakMemory:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._over = threading.Event()
        self._peak = 0
        self._past = 0  # the peak of earlier laps, above what was held before

    def __enter__(self) -> Self:
        if self.kind == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
        else:
            import psutil  # type: ignore[import-untyped]  # accelerate brings it

            self._process = psutil.Process()
            self._before = self._peak = self._resident()
            self._thread = threading.Thread(target=self._look, name="peak-memory", daemon=True)
            self._thread.start()
        return self

    @property
    def bytes(self) -> int:
        """So far."""
        return max(self._past, self.latest)

    @property
    def latest(self) -> int:
        """Since the last `lap`, or the beginning."""
        if self.kind == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated() - self._before)
        self._look_once()
        return self._peak - self._before

    def lap(self) -> None:
        """From here on `latest` counts anew, from what is held now."""
        self._past = self.bytes
        if self.kind == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            self._peak = self._resident()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.kind != "cuda":
            self._over.set()
            self._thread.join()

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)

    def _look(self) -> None:
        while not self._over.wait(INTERVAL):
            self._look_once()

    def _look_once(self) -> None:
        self._peak = max(self._peak, self._resident())
