"""When training ends before its last step: a person's wish, or a score that no longer rises.

with Stop() as stop:       # Ctrl-C and SIGTERM ask; the step that runs is finished first
    while not stop.asked: …

best = Best(larger=True, patience=2)
best.add(100, 0.61)        # → True: the best so far
best.add(200, 0.60);  best.add(300, 0.61);  best.over      # → True: twice no better
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Best", "Stop"]


class Stop:
    """The first signal asks, the second one is the system's own: it ends the process at once.

    Not covered: other threads than the main one, and programs that handle SIGINT themselves; there
    it is as ever. A signal that is ignored stays so (SIGINT, where a script began the command in the background).
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        self._heard: list[signal.Signals] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN):
            self._heard = [number for number in self.SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._ask) for number in self._heard}
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        for one in self._heard:
            signal.signal(one, signal.SIG_DFL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@dataclass(kw_only=True)
class Best:
    """The best of a row of scores, and for how many no better one came."""

    larger: bool  # whether a larger score is better
    patience: int
    step: int | None = None
    value: float | None = None
    waited: int = 0

    def add(self, step: int, value: float) -> bool:
        """Whether `value` is better than all before."""
        better = self.value is None or (value > self.value if self.larger else value < self.value)
        if better:
            self.step, self.value, self.waited = step, value, 0
        else:
            self.waited += 1
        return better

    @property
    def over(self) -> bool:
        return self.waited >= self.patience
