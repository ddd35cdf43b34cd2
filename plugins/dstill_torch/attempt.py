"""One attempt at a training: the job with its final settings, and what its memory is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dstill.api.modality import ModelSpec
from dstill.api.student import TrainingJob
from dstill_torch.peak_memory import PeakMemory

__all__ = ["Attempt"]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A training with one size of batches; if memory runs out, another attempt may have smaller ones."""

    job: TrainingJob  # with the precision and the batch that are used
    spec: ModelSpec  # of the student, as planned
    peak: PeakMemory  # of all attempts
    keeps_freed_memory: bool  # whether the allocator does, which no plan counts
    services: Sequence[str]  # that the training is reported to
