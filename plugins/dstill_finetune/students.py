"""The common part of the students `tiny` and `hf`: fit, save, load and generate.

`fit` writes a folder that plain transformers (and peft) can open:

    full          config.json  model.safetensors  generation_config.json  tokenizer…
    lora, qlora   adapter_config.json  adapter_model.safetensors  generation_config.json  tokenizer…
    all           README.md (the model card)  student.json (what `load` needs to know)

`load` with ``trained=False`` returns the student as it was before its first step.
"""

from __future__ import annotations

import os
import shutil
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dstill.api.modality import Batch
from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill.api.student import TrainingJob, TrainResult
from dstill.errors import DataError
from dstill.runtime import distributed, hardware
from dstill_finetune import model_loading
from dstill_finetune.adapter_loading import chat_of, require_base, require_tokens, saved_tokenizer, with_adapter
from dstill_finetune.card import model_card
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_finetune.generation import ModelGenerator
from dstill_finetune.loss import TransformersLosses
from dstill_finetune.setup import collator_of, encoder_of, prompts_of, require_rows, set_generation_config
from dstill_finetune.sharing import Sharing
from dstill_finetune.student_metadata import Facts
from dstill_finetune.tokenizer import repair
from dstill_torch.attempt import Attempt
from dstill_torch.damage import damaged
from dstill_torch.dataset import require_learnable
from dstill_torch.largest_batch import largest_batch
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.new_token_rows import add_rows
from dstill_torch.saving import saving, share
from dstill_torch.settings import quiet
from dstill_torch.student import TorchStudent

__all__ = ["Finetuned"]


class Finetuned(TorchStudent):
    """Trains with `dstill_torch.training` and generates with `dstill_finetune.generation`."""

    @abstractmethod
    def start(self, job: TrainingJob) -> tuple[Any, str]:
        """The tokenizer, and the untrained model: a hub id or folder, or "" if `build` makes it."""

    @abstractmethod
    def build(self, folder: Path, seed: int) -> Any:
        """The untrained model of a student whose `start` returned "", by tokenizer or configuration in `folder`."""

    def fit_once(self, attempt: Attempt) -> TrainResult:
        from dstill_torch.training import Training, train

        job, recipe = attempt.job, attempt.job.recipe
        options = job.modality.load_options(recipe, job.device)
        tokenizer, base = self.start(job)
        if self.base:
            base = model_loading.absolute(base)  # the student may be loaded from another working directory
        tokenizer, new = repair(
            tokenizer, [[p.target for p in record] for record in job.train], where=base or self.name
        )
        prompts = prompts_of(
            tokenizer, [*job.train, *job.validation], recipe, encoder_decoder=self._form()[0], where=base or self.name
        )
        with saving(job.folder):
            tokenizer.save_pretrained(job.folder)
        model = self._untrained(job.folder, base, job.seed, options)
        add_rows(model, len(tokenizer), new, job.seed)
        encoder = encoder_of(tokenizer, model, recipe, {}, prompts.chat)
        data, validation = encoder.encode(job.train), encoder.encode(job.validation, strict=False)
        require_learnable(data, validation, recipe)
        require_rows(model, data, base)
        set_generation_config(model, tokenizer, recipe)
        model = job.modality.prepare(model, recipe)
        adapter, four_bit = hasattr(model, "peft_config"), "quantization_config" in options
        weights = model_loading.fingerprint(base) if adapter and self.base else ""
        fitted = train(
            Training(
                attempt=attempt,
                model=model,
                collator=collator_of(model, encoder, data, validation, new_tokens=len(new)),
                data=data,
                validation=validation,
                losses=TransformersLosses,
                generator=partial(ModelGenerator, model, encoder, threads=recipe.threads),
                vocabulary=tokenizer.get_vocab(),
                base_sha256=weights,
                more={"chat_template": tokenizer.chat_template} if prompts.chat else {},
            )
        )
        if base == "base" and not (adapter or four_bit) and distributed.is_main():
            shutil.rmtree(job.folder / base)  # `build` makes it again from the seed
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
            prompt="plain" if prompts.chat is None else "chat",
            system_messages=prompts.system_messages,
        )
        if distributed.is_main():
            with saving(job.folder):
                self._save(job, model, facts, fitted, n_too_long=data.n_too_long, cut=encoder.cuts_prompts)
        return fitted

    def tokenizer(self, train: Sequence[Sequence[Pair]]) -> Any:
        """The tokenizer before `repair`."""
        return model_loading.load_tokenizer(self.base)

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        encoder_decoder, positions = self._form()
        targets = [[p.target for p in record] for record in train]
        where = self.base or self.name
        tokenizer, new = repair(self.tokenizer(train), targets, where=where)
        prompts = prompts_of(tokenizer, train, recipe, encoder_decoder=encoder_decoder, where=where)
        encoder = Encoder(
            tokenizer,
            encoder_decoder=encoder_decoder,
            max_length=recipe.max_length,
            max_target_length=recipe.max_target_length,
            task_prefix=recipe.task_prefix,
            positions=positions,
            chat=prompts.chat,
        )
        data = encoder.encode(train, strict=False)
        if not len(data):
            return None
        shares = recipe.task_prefix == "decoder" and len(data.branches) > 1
        collator = Collator(
            encoder_decoder=encoder_decoder,
            pad=0,
            branches=data.branches,
            # whether a model can share prompts is only known with its weights; most can
            sharing=Sharing({"full_attention": None}, additive=False) if shares else None,
            new_tokens=len(new),
        )
        return largest_batch(collator, data, recipe)

    def _form(self) -> tuple[bool, tuple[int, int]]:
        """Whether it is an encoder–decoder, which it is without a base, and its positions."""
        if not self.base:
            return True, model_loading.UNBOUNDED
        config = model_loading.config_of(self.base)
        return model_loading.is_encoder_decoder(config), model_loading.positions_of(config)

    def _untrained(self, folder: Path, base: str, seed: int, options: Any) -> Any:
        if not base:
            return self.build(folder, seed)
        return model_loading.load_model(str(folder / base) if base == "base" else base, options)

    def _save(
        self, job: TrainingJob, model: Any, facts: Facts, fitted: TrainResult, *, n_too_long: int, cut: bool
    ) -> None:
        if facts.adapter:
            # the adapter already has the rows of new tokens; peft would add the whole embedding
            model.save_pretrained(job.folder, save_embedding_layers=False)
            model.generation_config.save_pretrained(job.folder)  # the base's differs
        else:
            model.save_pretrained(job.folder)
        card = model_card(facts, job, fitted, n_too_long=n_too_long, cut=cut)
        (job.folder / "README.md").write_text(card, encoding="utf-8")
        facts.write(job.folder)
        share(job.folder)

    def external_models(self, folder: Path) -> Sequence[str]:
        try:
            base = str(Facts.read(folder).base)
        except DataError:  # there is no student yet, or one that `load` refuses
            return ()
        return (str(folder / base) if base == "base" else base,) if base else ()

    def load(self, folder: Path, *, trained: bool = True) -> ModelGenerator:
        with damaged(f"the student in {folder} cannot be read", where=str(folder), hint="train it again"):
            return self._load(folder, trained)

    def _load(self, folder: Path, trained: bool) -> ModelGenerator:
        quiet()
        facts = Facts.read(folder)
        model_loading.require_config(folder)
        tokenizer = saved_tokenizer(folder)
        model = self._loaded(folder, facts, trained)
        if not (hardware.device().bf16 or facts.four_bit):
            model = model.float()  # the same weights, and much faster than emulated bf16
        if facts.adapter or not trained:
            add_rows(model, len(tokenizer), facts.new_tokens, facts.seed)
        set_generation_config(model, tokenizer, facts)
        require_tokens(tokenizer, model, facts, folder)
        if facts.adapter and trained:
            model = with_adapter(model, folder)
        threads = min(facts.threads, os.cpu_count() or 1)  # training may have run on a larger machine
        encoder = encoder_of(tokenizer, model, facts, facts.tasks, chat_of(tokenizer, facts, folder))
        return ModelGenerator(model, encoder, threads=threads)

    def merged(self, folder: Path) -> tuple[Any, Any, Facts]:
        """A trained student's model, with an adapter merged into its base, its tokenizer and its metadata.

        A base in 4 bits is dequantized first, because those are the weights that its answers are computed with. The
        original weights differ from them, and merging into quantized weights would round again.
        """
        quiet()
        facts = Facts.read(folder)
        model_loading.require_config(folder)
        tokenizer = saved_tokenizer(folder)
        model = self._loaded(folder, facts, True)
        if facts.adapter:
            if facts.four_bit:
                model = model.dequantize()
            add_rows(model, len(tokenizer), facts.new_tokens, facts.seed)
            with warnings.catch_warnings():  # about a head that was never tied to the embedding
                warnings.filterwarnings("ignore", message="Input and output embeddings are no longer tied")
                model = with_adapter(model, folder).merge_and_unload()
        set_generation_config(model, tokenizer, facts)
        if not facts.system_messages:
            tokenizer.chat_template = None  # the base's, which the student was not trained with
        base = "" if facts.base == "base" else facts.base
        return model, tokenizer, replace(facts, base=base, base_sha256="", adapter=False, four_bit=False)

    def _loaded(self, folder: Path, facts: Facts, trained: bool) -> Any:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        if trained and not facts.adapter:
            return model_loading.load_model(str(folder), {}).to(device)
        # in the precision of training: a base stored in bf16 gives other answers in fp32
        kind = Qlora if facts.four_bit else Lora if facts.adapter else Full
        device_with_bf16 = replace(hardware.device(), bf16=True)  # every device can load it, if not train with it
        options = kind().load_options(Recipe(precision=facts.precision), device_with_bf16)
        if facts.adapter:
            require_base(facts, folder)
        model = self._untrained(folder, facts.base, facts.seed, options)
        return model if facts.four_bit else model.to(device)
