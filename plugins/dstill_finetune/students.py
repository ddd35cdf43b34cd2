"""What `tiny` and `hf` have in common: fit, save, load and write.

`fit` leaves a folder that plain transformers (and peft) open:

    full          config.json  model.safetensors  generation_config.json  tokenizer…
    lora, qlora   adapter_config.json  adapter_model.safetensors  tokenizer…
    each          README.md (the model card)  student.json (what `load` needs to know)

`load` with ``trained=False`` gives the student as it was before its first step.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
from abc import abstractmethod
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from dstill import hardware, processes
from dstill.errors import DataError, UsageError
from dstill.parts import Batch, Fitted, Recipe, Student, TrainingJob, Writer
from dstill.records import Pair
from dstill_finetune import allocator, folders, reporting, room
from dstill_finetune.card import model_card
from dstill_finetune.checkpoints import Checkpoints, digest, step_of
from dstill_finetune.collate import Collator
from dstill_finetune.compiling import compiling
from dstill_finetune.encoding import Dataset, Encoder
from dstill_finetune.exhaustion import OutOfMemory, exhaustion, halved
from dstill_finetune.facts import FILE, Facts
from dstill_finetune.largest import batch_before_training, batch_of, largest, limits
from dstill_finetune.modalities import Full, Lora, Qlora
from dstill_finetune.peak import PeakMemory
from dstill_finetune.precision import resolved
from dstill_finetune.probe import LOOSE, MARGIN, probed
from dstill_finetune.rows import add_rows
from dstill_finetune.saving import saving, share
from dstill_finetune.sharing import sharing
from dstill_finetune.threads import cpu_threads
from dstill_finetune.tokenizer import repair
from dstill_finetune.trainer import prepare_imports, train
from dstill_finetune.writing import ModelWriter

__all__ = ["Finetuned"]

log = logging.getLogger("dstill")


class Finetuned(Student):
    """Trains with `dstill_finetune.trainer` and writes with `dstill_finetune.writing`."""

    @abstractmethod
    def start(self, job: TrainingJob) -> tuple[Any, str]:
        """The tokenizer, and where the untrained model is: a hub id or folder, or "" for `build`."""

    @abstractmethod
    def build(self, folder: Path, seed: int) -> Any:
        """The untrained model of a student whose `start` gave "", by the tokenizer or configuration in `folder`."""

    def fit(self, job: TrainingJob) -> Fitted:
        folders.quiet()
        job = replace(job, recipe=resolved(job.recipe, job.device))
        if job.recipe.auto_find_batch_size and processes.count() > 1:
            raise UsageError(
                f"a batch that does not fit is halved in one process only, and this training has {processes.count()}",
                where="train.auto_find_batch_size = true",
                hint="set it to false, and train.per_device_train_batch_size to what fits",
            )
        with saving(job.folder):
            job.folder.mkdir(parents=True, exist_ok=True)
        _import(job)
        with cpu_threads(job.recipe.threads), PeakMemory(job.device.kind) as peak:
            while True:
                try:
                    with exhaustion(job.recipe, peak, _last(job)), compiling(job.recipe):
                        return self._fit(job, peak)
                except OutOfMemory as problem:
                    if not job.recipe.auto_find_batch_size or job.recipe.per_device_train_batch_size == 1:
                        raise
                    log.warning("%s", problem.what)
                job = replace(job, recipe=halved(job.recipe))
                log.warning("begins again with a batch of %d", job.recipe.per_device_train_batch_size)
                _free(job)

    def _fit(self, job: TrainingJob, peak: PeakMemory) -> Fitted:
        import torch

        recipe = job.recipe
        told = reporting.required(recipe.report_to) if job.events is not None and processes.leads() else []
        torch.manual_seed(job.seed)  # of adapters, which are drawn when a modality makes them
        options = job.modality.load_options(recipe, job.device)
        tokenizer, base = self.start(job)
        if self.base:
            base = folders.absolute(base)  # a student is used from other places than it is trained at
        shape = self.shape()
        gives_back = job.device.kind == "cuda" or allocator.give_back(
            job.modality.need(shape, recipe).total, job.device.free
        )
        tokenizer, new = repair(tokenizer, [[p.target for p in record] for record in job.train], where=base)
        with saving(job.folder):
            tokenizer.save_pretrained(job.folder)
        model = self._untrained(job.folder, base, job.seed, options)
        add_rows(model, len(tokenizer), new, job.seed)
        encoder = _encoder(tokenizer, model, recipe, {})
        data, validation = encoder.encode(job.train), encoder.encode(job.validation, strict=False)
        _settle(model, tokenizer, recipe)
        model = job.modality.prepare(model, recipe)
        adapter, four_bit = hasattr(model, "peft_config"), "quantization_config" in options
        weights = folders.fingerprint(base) if adapter and self.base else ""
        if processes.leads():
            room.require(model, recipe, student=job.folder, checkpoints=job.checkpoints)
        checkpoints, resume = _checkpoints(job, weights)
        collator = _collator(model, encoder, data, validation)

        def probe(trainer: Any) -> Mapping[str, float]:
            batch = batch_of(collator, largest(data.records, recipe.per_device_train_batch_size), len(new))
            need = job.modality.need(replace(shape, batch=batch), recipe)
            return probed(trainer, recipe, peak, need.total, margin=MARGIN if gives_back else LOOSE)

        with reporting.callbacks(told, events=job.events, step=step_of(resume)) as callbacks:
            history = train(
                model,
                collator,
                data,
                validation,
                recipe,
                job.device,
                seed=job.seed,
                on_step=job.on_step,
                checkpoints=checkpoints,
                resume=resume,
                score=_score(job, model, encoder),
                callbacks=callbacks,
                probe=probe if recipe.probe and not recipe.torch_compile else None,
            )
        if base == "base" and not (adapter or four_bit) and processes.leads():
            shutil.rmtree(job.folder / base)  # a student of its own, which `build` can draw anew from its seed
            base = ""
        facts = Facts(
            student=self.name,
            base=base,
            base_sha256=weights,
            precision=recipe.precision,
            modality=job.modality.name,
            adapter=adapter,
            four_bit=four_bit,
            encoder_decoder=encoder.encoder_decoder,
            new_tokens=new,
            seed=job.seed,
            max_length=recipe.max_length,
            max_target_length=recipe.max_target_length,
            threads=recipe.threads,
            task_prefix=recipe.task_prefix,
            tasks=encoder.tasks,
        )
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        fitted = Fitted(
            steps=history.steps,
            seconds=round(history.seconds, 3),
            history=tuple(history.rows),
            peak_memory=peak.bytes,
            trained_parameters=trained,
            all_parameters=_count(model),
            best_step=history.best,
            tokens_seen=history.tokens,
            rows_per_second=round(history.rows_per_second, 3),
            left_out=data.left_out,
            probe=history.probe,
        )
        if processes.leads():
            with saving(job.folder):
                self._save(job, model, facts, fitted, left_out=data.left_out, cut=encoder.cuts_prompts)
        return fitted

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        if not self.base:
            return limits(train, recipe)  # its tokenizer is learnt when training begins
        seq2seq = folders.is_encoder_decoder(folders.config_of(self.base))
        tokenizer, new = repair(
            folders.load_tokenizer(self.base), [[p.target for p in record] for record in train], where=self.base
        )
        return batch_before_training(tokenizer, train, recipe, encoder_decoder=seq2seq, new_tokens=len(new))

    def _untrained(self, folder: Path, base: str, seed: int, options: Any) -> Any:
        if not base:
            return self.build(folder, seed)
        return folders.load_model(str(folder / base) if base == "base" else base, options)

    def _save(self, job: TrainingJob, model: Any, facts: Facts, fitted: Fitted, *, left_out: int, cut: bool) -> None:
        if facts.adapter:
            # the rows of new tokens lie in the adapter; peft would add the whole embedding to them
            model.save_pretrained(job.folder, save_embedding_layers=False)
        else:
            model.save_pretrained(job.folder)
        card = model_card(facts, job, fitted, left_out=left_out, cut=cut)
        (job.folder / "README.md").write_text(card, encoding="utf-8")
        facts.write(job.folder)
        share(job.folder)

    def load(self, folder: Path, *, trained: bool = True) -> Writer:
        folders.quiet()
        facts = Facts.read(folder)
        tokenizer = _saved_tokenizer(folder)
        model = self._loaded(folder, facts, trained)
        if facts.adapter or not trained:
            add_rows(model, len(tokenizer), facts.new_tokens, facts.seed)
        if facts.adapter and trained:
            model = _with_adapter(model, folder)
        _settle(model, tokenizer, facts)
        threads = min(facts.threads, os.cpu_count() or 1)  # it may have been trained on a larger machine
        return ModelWriter(model, _encoder(tokenizer, model, facts, facts.tasks), threads=threads)

    def _loaded(self, folder: Path, facts: Facts, trained: bool) -> Any:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        if trained and not facts.adapter:
            return folders.load_model(str(folder), {}).to(device)
        # in the form that it had in training: a base that lies on disk in bf16 answers otherwise in fp32
        kind = Qlora if facts.four_bit else Lora if facts.adapter else Full
        options = kind().load_options(Recipe(precision=facts.precision), hardware.device())
        if facts.adapter:
            _require_base(facts, folder)
        model = self._untrained(folder, facts.base, facts.seed, options)
        return model if facts.four_bit else model.to(device)


def _import(job: TrainingJob) -> None:
    """What training is done with, so that the peak of memory is the training's own."""
    prepare_imports()
    if job.modality.name != "full":
        import peft  # noqa: F401


def _checkpoints(job: TrainingJob, base: str) -> tuple[Checkpoints | None, Path | None]:
    """Where they are kept, and the one to go on from. Raises RunError where it is of another training.

    `base`: the fingerprint of the weights that an adapter is trained beside.
    """
    if job.checkpoints is None:
        return None, None
    checkpoints = Checkpoints(job.checkpoints, keep=job.recipe.save_total_limit)
    made_of = {**asdict(job.recipe), "modality": job.modality.name, "seed": job.seed, "data": digest(job.train)}
    if base:
        made_of["base"] = base
    for name in UNDECIDING:
        made_of.pop(name)
    made_of["processes"] = processes.count()
    return checkpoints, processes.of_first(lambda: checkpoints.begin(made_of, allow_changed=job.allow_changed))


def _last(job: TrainingJob) -> Callable[[], str]:
    folder = job.checkpoints
    return lambda: "" if folder is None else Checkpoints(folder).last


# What may be another at every start: it does not change what is learnt.
UNDECIDING = (
    "threads",
    "probe",
    "report_to",
    "save_steps",
    "save_total_limit",
    "auto_find_batch_size",
    "policy",
    "max_seconds",
)


def _score(job: TrainingJob, model: Any, encoder: Encoder) -> Callable[[], float] | None:
    """The accuracy of the model as it is in the middle of training."""
    if job.score is None or job.recipe.early_stopping != "accuracy":
        return None
    score = job.score

    def now() -> float:
        training = model.training
        try:
            return score(ModelWriter(model, encoder, threads=job.recipe.threads))
        finally:
            model.train(training)

    return now


def _free(job: TrainingJob) -> None:
    """What a training that did not fit has left."""
    if job.checkpoints is not None:
        Checkpoints(job.checkpoints).remove()  # of another batch: its data were drawn in another order
    gc.collect()
    if job.device.kind == "cuda":
        import torch

        torch.cuda.empty_cache()


def _encoder(tokenizer: Any, model: Any, form: Recipe | Facts, tasks: Mapping[str, list[int]]) -> Encoder:
    return Encoder(
        tokenizer,
        encoder_decoder=folders.is_encoder_decoder(model.config),
        max_length=form.max_length,
        max_target_length=form.max_target_length,
        task_prefix=form.task_prefix,
        tasks=tasks,
    )


def _collator(model: Any, encoder: Encoder, data: Dataset, validation: Dataset) -> Collator:
    tokenizer, shared = encoder.tokenizer, None
    branches = list(dict.fromkeys([*data.branches, *validation.branches]))
    if encoder.task_prefix == "decoder" and len(branches) > 1:
        shared = sharing(model)
        if shared is None and not encoder.encoder_decoder:
            log.warning("the student cannot share a prompt between branches: each branch is a sequence of its own")
    return Collator(
        encoder_decoder=encoder.encoder_decoder,
        pad=tokenizer.pad_token_id,
        branches=branches,
        start=model.config.decoder_start_token_id if encoder.encoder_decoder else 0,
        sharing=shared,
    )


def _settle(model: Any, tokenizer: Any, form: Recipe | Facts) -> None:
    """Generation as `writing` does it becomes the model's own default: greedy, with these limits."""
    config = model.generation_config
    config.do_sample, config.num_beams = False, 1
    config.temperature = config.top_p = config.top_k = None
    config.max_length = None
    config.max_new_tokens = form.max_target_length
    config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    if folders.is_encoder_decoder(model.config) and model.config.decoder_start_token_id is None:
        model.config.decoder_start_token_id = config.decoder_start_token_id = tokenizer.pad_token_id


def _require_base(facts: Facts, folder: Path) -> None:
    """Raises DataError where the weights are not there, or not those, that the adapter was trained beside."""
    if not facts.base_sha256:  # a hub id, or beside the adapter
        return
    told = f'"base" in {folder / FILE}'
    if not Path(facts.base).exists():
        raise DataError(
            "the base of this adapter is not where it was",
            where=facts.base,
            hint=f"put it back, or write its new place as {told}",
        )
    if folders.fingerprint(facts.base) != facts.base_sha256:
        raise DataError(
            "the base of this adapter has other weights than it was trained beside",
            where=facts.base,
            hint=f"put those back, or write their place as {told}; else train again",
        )


def _with_adapter(model: Any, folder: Path) -> Any:
    from peft import PeftModel

    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():  # peft would take pickled ones, or ask the hub
        raise DataError("the adapter's weights are missing", where=str(weights))
    try:
        return PeftModel.from_pretrained(model, str(folder))
    except Exception as error:  # safetensors, peft and torch each raise their own
        raise DataError("the adapter cannot be loaded", where=f"{folder}: {error}") from error


def _saved_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise DataError("the student's tokenizer cannot be loaded", where=f"{folder}: {error}") from error


def _count(model: Any) -> int:
    """Parameters, a weight packed in 4 bits counted as the two that each byte holds."""
    return sum(p.numel() * (2 if type(p).__name__ == "Params4bit" else 1) for p in model.parameters())
