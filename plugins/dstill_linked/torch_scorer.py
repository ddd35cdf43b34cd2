"""A linked model in torch that answers: while it is trained, or if it is large.

TorchScorer(model).start([row, …]).step(numpy.array([START, …]))   →  [rows, tokens + positions], a numpy array
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dstill_torch.settings import cpu_threads

if TYPE_CHECKING:
    from dstill_linked.model import LinkedModel
    from dstill_linked.vocabulary import Row

__all__ = ["TorchScorer"]


class TorchScorer:
    """Scores with a model in its place on the device. `threads`: of the CPU; 0: unchanged."""

    batch = 64

    def __init__(self, model: LinkedModel, *, threads: int = 0) -> None:
        self.model = model.eval()
        self.shape = model.shape
        self.threads = threads

    @contextmanager
    def running(self) -> Iterator[None]:
        """As in `Scorer`."""
        import torch

        with torch.inference_mode(), cpu_threads(self.threads):
            yield

    def start(self, rows: Sequence[Row]) -> TorchScores:
        """As in `Scorer`."""
        from dstill_linked.tensors import batch

        sources = batch(rows).to(self.model.relations.weight.device)
        return TorchScores(self.model, self.model.start(self.model.encode(sources), sources.mask))


class TorchScores:
    """Answers in progress."""

    def __init__(self, model: LinkedModel, cache: Any) -> None:
        self._model, self._cache = model, cache

    def step(self, previous: Any) -> Any:
        """As in `Scores`."""
        import torch

        tokens = torch.from_numpy(previous)[:, None].to(self._cache.mask.device)
        return self._model.decode(self._cache, tokens)[:, -1].float().cpu().numpy()

    def take(self, rows: Sequence[int]) -> None:
        """As in `Scores`."""
        import torch

        self._cache.take(torch.tensor(rows, device=self._cache.mask.device))
