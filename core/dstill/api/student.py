"""Students: small models that are trained on pairs and then write answers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from dstill.api.form import Form
from dstill.api.modality import Batch, Modality, ModelSpec
from dstill.api.part import Part
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Grammar, ModelInput, Pair
from dstill.errors import UsageError

__all__ = ["Generation", "Generator", "Preset", "Similarity", "Student", "TrainResult", "TrainingJob"]


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Everything that `Student.fit` needs."""

    train: Sequence[tuple[Pair, ...]]  # one tuple for each record: `Objective.pairs`
    validation: Sequence[tuple[Pair, ...]]
    modality: Modality
    recipe: Recipe
    device: Device
    folder: Path  # where the student is saved: adapter or weights, tokenizer, model card
    seed: int
    spec: ModelSpec | None = None  # of the student, as planned; None: `fit` asks for it
    card: Mapping[str, Any] = field(default_factory=dict)  # facts for the model card
    # Called after each step with its number, the number of all steps and values such as the loss. If it raises
    # KeyboardInterrupt, training stops as with Ctrl-C.
    on_step: Callable[[int, int, Mapping[str, float]], None] = lambda *_: None
    checkpoints: Path | None = None  # folder of checkpoints; None: save none
    resume_with_changes: bool = False  # resume from a checkpoint that was trained with other settings
    score: Callable[[Generator], float] | None = None  # accuracy (0 to 1) of the student so far, for early stopping
    events: Path | None = None  # folder of TensorBoard's event files; None: write none


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """The result of training."""

    steps: int  # optimizer steps
    seconds: float
    history: tuple[Mapping[str, float], ...]  # rows of step, loss, eval_loss, learning_rate …
    peak_memory: int  # bytes above what the process used before the model was loaded
    trained_parameters: int
    all_parameters: int
    probe: Mapping[str, float] = field(default_factory=dict)  # largest batch: predicted, measured (bytes), error
    best_step: int | None = None  # the step whose weights early stopping took; None: the last step
    tokens_seen: int | None = None  # without padding; None: not measured
    rows_per_second: float | None = None  # records, time for evaluations included; None: not measured
    n_too_long: int = 0  # training records that exceeded the length limits
    n_not_expressible: int = 0  # training records that the task's form has no tokens for
    base_sha256: str = ""  # of the weights that training started from; empty: not known, or from nothing
    n_replayed: int = 0  # other questions among the training records (`dstill.api.form.Form.replay`)
    services: Mapping[str, str] = field(default_factory=dict)  # that it was reported to → id of the run there


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A student's output for one source."""

    text: str
    tokens: int  # written
    seconds: float  # to write it
    truncated: bool = False  # it reached the token limit before it ended
    logprob: float | None = None  # natural logarithm of the probability of all its tokens; None: not known
    least_logprob: float | None = None  # of its least probable token

    @classmethod
    def written(cls, text: str, logprobs: Sequence[float], *, seconds: float, truncated: bool) -> Self:
        """A text whose tokens, with the one that ended it, have these log-probabilities.

        They are the model's own at temperature 1, before a grammar or a sampling temperature changed them.
        """
        return cls(
            text=text,
            tokens=len(logprobs),
            seconds=seconds,
            truncated=truncated,
            logprob=sum(logprobs) if logprobs else None,
            least_logprob=min(logprobs, default=None),
        )


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """How similar a source is to the sources of the training data."""

    value: float  # from 0 (nothing in common) to 1 (it was in the training data)
    threshold: float  # below this value, do not expect a right answer


class Generator(ABC):
    """A loaded student, ready to write."""

    unsure_below: float | None = None  # log-probability below which answers are often wrong; None: not known

    @abstractmethod
    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        """Decode greedily: one answer for each source, in the order of `sources`."""

    def generate_constrained(
        self, sources: Sequence[ModelInput], grammars: Sequence[Grammar | None]
    ) -> Iterator[Generation]:
        """As `generate`, each answer within its grammar; None: without one. Raises UsageError if it cannot."""
        raise UsageError(
            "this kind of student does not support constrained decoding",
            where="evaluate.constrain = true",
            hint="set it to false, or train another kind of student",
        )

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """Sample `n` answers for each source, each within its grammar if there are any.

        The same arguments give the same answers. Raises UsageError if it cannot sample.
        """
        raise UsageError(
            "this kind of student cannot sample several answers to one question",
            where="--num-samples",
            hint="leave it out, or train another kind of student",
        )

    def candidates(
        self, sources: Sequence[ModelInput], n: int, *, least_logprob: float = -math.inf
    ) -> Iterator[tuple[Generation, ...]]:
        """The `n` most probable answers to each source, or fewer, the most probable first. Default: none is known.

        Those whose log-probability (in nats) is below `least_logprob` may be missing: that saves time.
        """
        return (() for _ in sources)

    def similarity(self, sources: Sequence[ModelInput]) -> list[Similarity]:
        """How similar each source is to the training data. Empty: not known."""
        return []

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        """Tokens of each source. Empty: not counted."""
        return []


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Settings that suit a kind of base. dstill uses them for every setting that the user did not set."""

    name: str  # the kind, for messages: "chat decoder"
    recipe: Mapping[str, Any]  # fields of `Recipe` → values
    together: tuple[tuple[str, ...], ...] = ()  # fields that the preset leaves alone if the user set one of them


class Student(Part, ABC):
    """A kind of small model that can be trained on pairs and then writes answers."""

    suffixes: ClassVar[tuple[str, ...]] = ()  # file endings that mean this kind: ``--student models/small.gguf``
    default: ClassVar[bool] = False  # True: used if no student is named and the task has no base; trains from scratch
    recipe: ClassVar[Mapping[str, Any]] = {}  # settings by dotted key that `dstill init` and `dstill demo` use for it
    smallest: ClassVar[Mapping[str, Any]] = {}  # keys of its own section for a language of a few words
    reads_prompts: ClassVar[bool] = False  # True: it can learn to read a schema in its text (`Task.schema_settings`)
    reads_schema: ClassVar[bool] = False  # True: it needs the task's form (`dstill.api.protocols.Linked`)
    form: Form  # of the task, set by dstill for a kind that reads schemas
    base: str = ""  # the folder, file or id after "hf:" in ``--student hf:google/flan-t5-small``

    @abstractmethod
    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        """Counts for the memory estimate. `texts` is the dataset, for a kind that learns its vocabulary from it."""

    def preset(self, recipe: Recipe, modality: str = "") -> Preset | None:
        """The settings that suit this base; None: the defaults do. Raises DataError if the base cannot be used.

        Args:
            recipe: The settings of the user.
            modality: The chosen one. Empty: none is chosen yet, so settings that depend on it are left out.
        """
        return None

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        """Shapes of the largest batch of `train`, for the memory estimate. None: not known before training."""
        return None

    @abstractmethod
    def fit(self, job: TrainingJob) -> TrainResult:
        """Train, and save a complete student in ``job.folder``.

        Raises TrainingError if training fails (out of memory, NaN) and DataError if the data cannot be used.
        """

    def external_models(self, folder: Path) -> Sequence[str]:
        """The other models that `load` opens for the student in `folder`: folders, files or hub ids.

        dstill asks the user before it opens one outside of the run (`dstill.trust`).
        """
        return ()

    def load_base(self) -> Generator:
        """Load the model that training would start from, to answer without training: for `dstill ask`.

        Raises UsageError if this kind cannot answer before it is trained, DataError if the model cannot be used.
        """
        raise UsageError(
            f"student '{self.name}' cannot answer before it is trained",
            where="--student",
            hint="train it, and give its run: --student RUN",
        )

    def base_limits(self) -> str:
        """The known weaknesses of the model that training would start from, in one line. Empty: not measured."""
        return ""

    @abstractmethod
    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        """Load the student that `fit` saved in `folder`; ``trained=False``: as it was before the first step."""
