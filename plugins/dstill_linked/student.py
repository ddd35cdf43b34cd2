"""The student `linked`: a small encoder and decoder that reads positions and writes tokens and pointers.

    dstill train --student linked             from scratch
    dstill train --student linked:FOLDER      from an earlier student with the same form, for example for another schema
    dstill train --student base:NAME          from a base of the task's pack (`dstill.api.form.Form.bases`)

It trains as the text students do (`dstill_torch.training`). With the modality lora, the adapters are merged into the
weights when the student is saved, so every student's folder has the same files (`dstill_linked.saving`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.api.modality import Batch, ModelSpec
from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill.api.setting import setting
from dstill.api.student import TrainingJob, TrainResult
from dstill.errors import ConfigError, UsageError
from dstill.io.cards import STUDENT, card, table
from dstill.runtime import distributed
from dstill.trust import PACKAGED
from dstill_linked.bases import folder_of, start_of
from dstill_linked.declarations import BASE, LINKED
from dstill_linked.generation import LinkedGenerator, Scorer
from dstill_linked.saving import LinkedFacts, read_facts, read_model, read_scorer, shape_of, write_student
from dstill_torch.student import TorchStudent

if TYPE_CHECKING:
    from dstill_linked.encoding import LinkedData, LinkedEncoder
    from dstill_linked.model import LinkedModel
    from dstill_linked.shape import Shape
    from dstill_torch.attempt import Attempt

__all__ = ["BaseConfig", "BaseStudent", "LinkedConfig", "LinkedStudent"]


LARGE_MODEL = 20_000_000  # weights in layers, above which a student answers in torch
PLANNED = 64  # replayed questions that the plan looks at


def _constrain() -> bool:
    constrain: bool = setting(True, "Write only what the task's form allows, if it says what may come next.")
    return constrain


def _replay(default: float) -> float:
    share: float = setting(
        default,
        "Share of the training rows that are questions about other data, which the task's form draws: what "
        "the base knows of them is kept.",
        low=0,
        high=0.9,
    )
    return share


@dataclass(frozen=True, kw_only=True)
class LinkedConfig:
    """The student `linked`: its sizes, and how it writes."""

    width: int = setting(128, "Hidden size.", low=16, high=2048)
    heads: int = setting(4, "Attention heads in each layer.", low=1, high=64)
    encoder_layers: int = setting(4, "Layers of the encoder.", low=1, high=48)
    decoder_layers: int = setting(2, "Layers of the decoder.", low=1, high=48)
    hidden: int = setting(512, "Size of the feed-forward layers.", low=16, high=8192)
    longest: int = setting(96, "Tokens of one answer at most, its end included.", low=8, high=4096)
    constrain: bool = _constrain()
    replay: float = _replay(0.0)


class LinkedStudent(TorchStudent, declared=LINKED):
    """Reads the question with its schema, and writes tokens and pointers; trained from scratch."""

    Config = LinkedConfig
    config: LinkedConfig
    reads_schema = True
    bf16_on_cpu = True  # 1.4 to 1.5 times the rows a second
    recipe: ClassVar[Mapping[str, Any]] = {
        "train.objective": "label-only",
        "train.optim": "muon",
        "train.learning_rate": 8e-3,
        "train.per_device_train_batch_size": 32,
        "train.max_steps": 800,
        "train.warmup_ratio": 0.05,
        "train.weight_decay": 0.01,
    }
    smallest: ClassVar[Mapping[str, Any]] = {
        "width": 32,
        "heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "hidden": 64,
    }

    def __init__(self, config: LinkedConfig | None = None) -> None:
        super().__init__(config)
        self._data: tuple[Sequence[tuple[Pair, ...]], LinkedData] | None = None  # the training records, encoded

    @property
    def starts_from(self) -> str:
        """The folder, or ``base:NAME``, whose weights training starts from; empty: random weights."""
        return str(Path(self.base).absolute()) if self.base else ""

    # --- sizes --------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """The sizes of the model: those of what training starts from, if anything."""
        from dstill_linked.shape import Shape
        from dstill_linked.vocabulary import RELATIONS, Vocabulary

        if self.starts_from:
            folder = folder_of(self.starts_from, self.form)
            return shape_of(folder, read_facts(folder))
        c, vocabulary = self.config, Vocabulary.of(self.form)
        if c.width % c.heads:
            raise ConfigError(
                f"width {c.width} is not a multiple of {c.heads} heads",
                where="[student.linked]",
                hint="change width or heads",
            )
        return Shape(
            features=vocabulary.n_features,
            tokens=vocabulary.n_tokens,
            relations=RELATIONS,
            width=c.width,
            heads=c.heads,
            encoder_layers=c.encoder_layers,
            decoder_layers=c.decoder_layers,
            hidden=c.hidden,
            longest=c.longest,
        )

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        from dstill_linked.spec import spec_of

        return spec_of(self.shape)

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        from dstill_linked.encoding import LinkedCollator
        from dstill_torch.largest_batch import largest_batch

        data = self._encoded(train, recipe)
        if not len(data):
            return None
        if self.config.replay:
            data = self._encoder(recipe).replay(data, self.config.replay, epochs=1, seed=0, limit=PLANNED)
        return largest_batch(LinkedCollator(data.branches), data, recipe)

    def _encoded(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> LinkedData:
        """The training records; encoded once for the plan and for the training."""
        if self._data is None or self._data[0] is not train:
            self._data = train, self._encoder(recipe).encode(train)
        return self._data[1]

    def _encoder(self, recipe: Recipe) -> LinkedEncoder:
        from dstill_linked.encoding import LinkedEncoder

        longest = min(self.shape.longest, recipe.max_target_length)
        return LinkedEncoder(self.form, max_length=recipe.max_length, longest=longest)

    # --- training -----------------------------------------------------------------------

    def fit_once(self, attempt: Attempt) -> TrainResult:
        import torch

        from dstill_linked.encoding import LinkedCollator, LinkedLosses
        from dstill_linked.torch_scorer import TorchScorer
        from dstill_torch.dataset import require_learnable
        from dstill_torch.saving import saving
        from dstill_torch.training import Training, train

        job, recipe = attempt.job, attempt.job.recipe
        options = job.modality.load_options(recipe, job.device)
        _refuse(recipe, job.modality.name, options)
        encoder = self._encoder(recipe)
        data = self._encoded(job.train, recipe)
        validation = encoder.encode(job.validation, what="validation")
        require_learnable(data, validation, recipe)
        data = self._with_replay(data, recipe, job.seed)
        start = self._start_facts()
        facts = LinkedFacts(
            shape=self.shape.to_json(),
            tokens=encoder.vocabulary.tokens,
            features=encoder.vocabulary.features,
            branches=data.branches,
            modality=job.modality.name,
            seed=job.seed,
            max_length=recipe.max_length,
            max_target_length=recipe.max_target_length,
            threads=recipe.threads,
            base=self.starts_from,
            base_sha256=start.sha256 if start else "",
            unsure_below=start.unsure_below if start else None,
        )
        untrained = self._untrained(job.seed)
        model = job.modality.prepare(untrained.to(options.get("dtype", torch.float32)), recipe)
        scorer = TorchScorer(untrained, threads=recipe.threads)
        fitted = train(
            Training(
                attempt=attempt,
                model=model,
                collator=LinkedCollator(dict.fromkeys([*data.branches, *validation.branches])),
                data=data,
                validation=validation,
                losses=LinkedLosses,
                generator=partial(LinkedGenerator, scorer, self.form, facts, constrain=self.config.constrain),
                vocabulary=[facts.tokens, facts.features],
                base_sha256=facts.base_sha256,
                more=_replayed(data),
            )
        )
        self._data = None
        fitted = replace(
            fitted,
            n_not_expressible=data.n_not_expressible,
            base_sha256=facts.base_sha256,
            n_replayed=data.n_replayed,
        )
        if distributed.is_main():
            with saving(job.folder):
                self._save(job, model, facts, fitted)
        return fitted

    def _with_replay(self, data: LinkedData, recipe: Recipe, seed: int) -> LinkedData:
        """The records with a share of other questions, new ones in each epoch: all epochs become one."""
        from dstill_linked.encoding import READINGS

        share = self.config.replay
        epochs = math.ceil(recipe.num_train_epochs)
        if recipe.max_steps > 0:
            per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
            epochs = math.ceil(recipe.max_steps * per_step * distributed.world_size() * (1 - share) / len(data))
        if not share or not epochs:
            return data
        epochs = min(epochs, math.ceil(READINGS * (1 - share) / share / len(data)))  # more give no new questions
        return self._encoder(recipe).replay(data, share, epochs=epochs, seed=seed)

    def _untrained(self, seed: int) -> LinkedModel:
        """The model before its first step: the base's, or one with random weights that depend only on `seed`."""
        if self.starts_from:
            return read_model(folder_of(self.starts_from, self.form), self.form)[0]
        return self._random(self.shape, seed)

    @staticmethod
    def _random(shape: Shape, seed: int) -> LinkedModel:
        import torch

        from dstill_linked.model import LinkedModel

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return LinkedModel(shape)

    def _start_facts(self) -> LinkedFacts | None:
        return read_facts(folder_of(self.starts_from, self.form)) if self.starts_from else None

    def _save(self, job: TrainingJob, model: Any, facts: LinkedFacts, fitted: TrainResult) -> None:
        from dstill_torch.saving import share

        if hasattr(model, "peft_config"):
            model = model.merge_and_unload()
        write_student(job.folder, model.float().state_dict(), facts)
        (job.folder / "README.md").write_text(_card(job, facts, fitted), encoding="utf-8")
        share(job.folder)

    # --- loading ------------------------------------------------------------------------

    def external_models(self, folder: Path) -> Sequence[str]:
        return ()  # weights of another folder are read only for a student as it was before training

    def load_base(self) -> LinkedGenerator:
        if not self.starts_from:
            raise UsageError(
                f"student '{self.name}' cannot answer before it is trained",
                where="--student",
                hint="name the folder of a trained one: --student linked:FOLDER",
            )
        return self.load(folder_of(self.starts_from, self.form))

    def base_limits(self) -> str:
        start = self._start_facts()
        return start.known_errors if start else ""

    def load(self, folder: Path, *, trained: bool = True) -> LinkedGenerator:
        from dstill_linked.torch_scorer import TorchScorer

        scorer, facts = self._scorer(folder)
        if not trained:
            if facts.base:
                scorer = self._scorer(start_of(facts.base, self.form, facts.base_sha256))[0]
            else:
                scorer = TorchScorer(self._random(scorer.shape, facts.seed), threads=_threads(facts))
        return LinkedGenerator(scorer, self.form, facts, constrain=self.config.constrain)

    def _scorer(self, folder: Path) -> tuple[Scorer, LinkedFacts]:
        """The student in `folder`: in numpy, without torch, and faster on one thread; a large one needs more.

        Where torch is not installed, a large one answers in numpy too.
        """
        scorer, facts = read_scorer(folder, self.form)
        if scorer.shape.in_layers <= LARGE_MODEL or find_spec("torch") is None:
            return scorer, facts
        import torch

        from dstill_linked.torch_scorer import TorchScorer

        model, facts = read_model(folder, self.form)
        return TorchScorer(model.to("cuda" if torch.cuda.is_available() else "cpu"), threads=_threads(facts)), facts


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """The student `base`, which has the sizes of its base."""

    constrain: bool = _constrain()
    replay: float = _replay(0.25)


class BaseStudent(LinkedStudent, declared=BASE):
    """A linked student whose first weights are a base of the task's pack: ``--student base:NAME``."""

    Config = BaseConfig  # type: ignore[assignment]
    smallest: ClassVar[Mapping[str, Any]] = {}
    recipe: ClassVar[Mapping[str, Any]] = {**LinkedStudent.recipe, "train.learning_rate": 2e-3, "train.max_steps": 400}

    @property
    def starts_from(self) -> str:
        return PACKAGED + self.base


def _threads(facts: LinkedFacts) -> int:
    """Those of the training, which may have run on a larger machine."""
    return min(facts.threads, os.cpu_count() or 1)


def _refuse(recipe: Recipe, modality: str, options: Mapping[str, Any]) -> None:
    """Raises UsageError for what a linked student cannot do."""
    if "quantization_config" in options:
        raise UsageError(
            "student 'linked' has no weights in 4 bits: it is small",
            where=f"train.modality = {modality}",
            hint="train with --modality full or lora",
        )
    if recipe.gradient_checkpointing:
        raise UsageError(
            "student 'linked' has no gradient checkpointing",
            where="train.gradient_checkpointing = true",
            hint="set it to false; a smaller train.per_device_train_batch_size needs less memory",
        )


def _replayed(data: LinkedData) -> Mapping[str, Any]:
    """The replayed questions, which must be the same when a training resumes."""
    if not data.n_replayed:
        return {}
    targets = [row.target for record in data.records for row in record]
    return {"replay": hashlib.sha256(json.dumps(targets).encode()).hexdigest()}


def _start(base: str) -> str:
    """The base as a card names it: no paths of this machine."""
    return base if base.startswith(PACKAGED) else Path(base).name


def _card(job: TrainingJob, facts: LinkedFacts, fitted: TrainResult) -> str:
    left_out = fitted.n_too_long + fitted.n_not_expressible
    rows = {
        "student": f"linked, {fitted.all_parameters:,} parameters"
        + (f", from {_start(facts.base)} (sha256 {facts.base_sha256})" if facts.base else ""),
        "modality": facts.modality,
        "trained parameters": f"{fitted.trained_parameters:,}",
        "steps": f"{fitted.steps:,} in {fitted.seconds:,.0f} s on {job.device.name}",
        "records": f"{len(job.train) - left_out:,} ({fitted.n_not_expressible} more have no tokens in the task's form, "
        f"{fitted.n_too_long} were too long)",
        "learning rate, batch": f"{job.recipe.learning_rate:g}, {job.recipe.per_device_train_batch_size}"
        f" × {job.recipe.gradient_accumulation_steps}",
        "seed": str(facts.seed),
        **({"replayed": f"{fitted.n_replayed:,} questions about other data"} if fitted.n_replayed else {}),
        **{str(key): str(value) for key, value in job.card.items()},
    }
    lines = [
        *table(("", ""), rows.items()),
        "",
        "It reads a question with its schema, in the form of the task above: load it with dstill and that task's pack.",
    ]
    return card(["library_name: dstill", STUDENT], "A linked dstill student", lines)
