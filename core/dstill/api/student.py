"""Students: models that are fitted to pairs and then write answers. Memory is in bytes, time in seconds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, ClassVar, Iterable, Iterator, Mapping, Sequence

from dstill.api.modality import Batch, Modality, Shape
from dstill.api.part import Part
from dstill.api.recipe import Device, Recipe
from dstill.api.records import (
    Grammar,
    Pair,
)
from dstill.errors import UsageError

__all__ = ["Closeness", "Fitted", "Student", "TrainingJob", "Writer", "Written"]


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Everything that `Student.fit` needs."""

    train: Sequence[tuple[Pair, ...]]  # one tuple a record
    validation: Sequence[tuple[Pair, ...]]
    modality: Modality
    recipe: Recipe
    device: Device
    folder: Path  # the student's: adapter or weights, tokenizer, model card
    seed: int
    card: Mapping[str, Any] = field(default_factory=dict)  # facts for the model card
    # told of each step; KeyboardInterrupt from it asks to stop, as Ctrl-C does
    on_step: Callable[[int, int, Mapping[str, float]], None] = lambda step, steps, values: None
    checkpoints: Path | None = None  # where to keep them; None: none are kept
    allow_changed: bool = False  # go on from a checkpoint of other settings
    score: Callable[[Writer], float] | None = None  # accuracy of a student in training, for early stopping
    events: Path | None = None  # where TensorBoard's files go; None: none are written


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What training came to."""

    steps: int
    seconds: float
    history: tuple[Mapping[str, float], ...]  # step, loss, eval_loss, learning_rate …
    peak_memory: int  # bytes above what the process held before the model was loaded
    trained_parameters: int
    all_parameters: int
    probe: Mapping[str, float] = field(default_factory=dict)  # predicted, measured (bytes) and error; empty: none
    best_step: int | None = None  # whose weights were taken, where early stopping chose; None: the last
    tokens_seen: int | None = None  # padding not counted; None: not measured, as of a student without tokens
    rows_per_second: float | None = None  # records, evaluations included
    left_out: int = 0  # training records that were longer than the limits


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a student wrote for one source."""

    text: str
    tokens: int
    seconds: float
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class Closeness:
    """How near a source is to those of training."""

    value: float  # 0: nothing in common; 1: it was one of them
    far: float  # below it an answer is not to be expected


class Writer(ABC):
    """A student ready to write."""

    @abstractmethod
    def write(self, sources: Sequence[str]) -> Iterator[Written]:
        """Greedy answers, in the order of `sources`."""

    def write_within(self, sources: Sequence[str], grammars: Sequence[Grammar | None]) -> Iterator[Written]:
        """`write`, each answer within its grammar; None: as it comes. Raises UsageError where it cannot."""
        raise UsageError(
            "this student cannot be held to a grammar",
            where="evaluate.constrain = true",
            hint="set it to false, or train another kind of student",
        )

    def sample(
        self,
        sources: Sequence[str],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Written, ...]]:
        """`n` answers to each source that are drawn, not greedy, each within its grammar where there are any.

        The same arguments give the same answers. Raises UsageError where it cannot draw.
        """
        raise UsageError(
            "this student cannot draw several answers to one question",
            where="--num-samples",
            hint="leave it out, or train another kind of student",
        )

    def closeness(self, sources: Sequence[str]) -> list[Closeness]:
        """How near each source is to what this student was fitted on; empty where it does not know."""
        return []

    def count(self, sources: Sequence[str]) -> list[int]:
        """How many tokens it reads of each source; empty where it does not count."""
        return []


class Student(Part, ABC):
    """A small model that can be fitted to pairs and then writes answers."""

    # Endings of files that name a student of this kind by themselves: ``--student models/small.gguf``
    suffixes: ClassVar[tuple[str, ...]] = ()
    default: ClassVar[bool] = False  # taken where no student is asked for: one that begins from nothing
    recipe: ClassVar[Mapping[str, Any]] = {}  # settings by dotted key that suit it, for a new dstill.toml
    smallest: ClassVar[Mapping[str, Any]] = {}  # settings of its own section for a language of a few words
    base: str = ""  # the folder, file or id after "hf:" in ``--student hf:google/flan-t5-small``

    @abstractmethod
    def shape(self, texts: Iterable[str] = ()) -> Shape:
        """Counts for the planner. `texts` are the dataset's, where a vocabulary is learnt from them."""

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        """What the largest batch of `train` holds, for the planner; None: not known before training."""
        return None

    @abstractmethod
    def fit(self, job: TrainingJob) -> Fitted:
        """Train and leave a complete student in ``job.folder``. Raises TrainingError, DataError."""

    def reads(self, folder: Path) -> Sequence[str]:
        """The models that `load` of the student in `folder` opens beside it: folders, files or hub ids.

        Those outside of the run are opened only after a word of the user's (`dstill.trust`).
        """
        return ()

    @abstractmethod
    def load(self, folder: Path, *, trained: bool = True) -> Writer:
        """The student of a run; with ``trained=False`` as it was before its first step."""
