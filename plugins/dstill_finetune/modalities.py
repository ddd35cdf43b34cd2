"""Which weights move, and in what form the others lie in memory.

    full    every weight moves                            fullness 100
    lora    low-rank adapters beside a frozen base                  60
    qlora   the same beside a base of 4 bits (NF4, double quantized) 30

Option names are peft's and transformers' own. The recipe's defaults are rank 16,
alpha 4 × rank, dropout 0.1, query and value projections.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any, ClassVar, Mapping

from dstill.api.modality import Memory, Modality, Shape
from dstill.api.recipe import Device, Recipe
from dstill.errors import MissingExtra, UsageError
from dstill.io.units import size
from dstill.runtime import distributed
from dstill_finetune import memory
from dstill_finetune.lora_targets import are_read_by_kernels, linear_layers, targets
from dstill_finetune.new_token_rows import token_rows
from dstill_finetune.torch_settings import resolved

__all__ = ["Full", "Lora", "Qlora"]

_STATE_SPACE = "a state space layer, whose kernels read its weights as they are,"


class _Base(Modality):
    def unfit(self, student: Shape, recipe: Recipe, device: Device) -> str | None:
        recipe = resolved(recipe, device)
        if device.kind != "cuda" or device.here:  # what is free on this machine's card is without it
            return super().unfit(student, recipe, device)
        beside = replace(device, free=max(0, device.free - memory.CONTEXT))
        reason = super().unfit(student, recipe, beside)
        return reason and f"{reason} beside {size(memory.CONTEXT)} of CUDA's own"


class Full(_Base):
    name = "full"
    fullness = 100
    ignores = frozenset({"r", "lora_alpha", "lora_dropout", "target_modules"})

    def need(self, student: Shape, recipe: Recipe) -> Memory:
        return memory.full(student, recipe)

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        import torch

        # also under bf16: an update of 1e-5 of a weight is lost in bf16's 8 bits
        return {"dtype": torch.float32}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        model.requires_grad_(True)
        return model


class Lora(_Base):
    name = "lora"
    fullness = 60
    distributions: ClassVar[tuple[str, ...]] = ("peft",)

    def need(self, student: Shape, recipe: Recipe) -> Memory:
        return memory.lora(student, recipe)

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        import torch

        return {"dtype": torch.bfloat16 if resolved(recipe, device).precision == "bf16" else torch.float32}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        """Adapters on the target modules, and the rows of tokens that the tokenizer got anew."""
        from peft import LoraConfig, get_peft_model

        if recipe.gradient_checkpointing:
            model.enable_input_require_grads()
        config = LoraConfig(
            r=recipe.r,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=recipe.lora_dropout,
            target_modules=targets(model, recipe.target_modules),
            trainable_token_indices=token_rows(model),
            task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
        )
        return get_peft_model(model, config)


class Qlora(Lora):
    name = "qlora"
    fullness = 30
    distributions = ("peft", "bitsandbytes")

    def need(self, student: Shape, recipe: Recipe) -> Memory:
        return memory.qlora(student, recipe)

    def unfit(self, student: Shape, recipe: Recipe, device: Device) -> str | None:
        if are_read_by_kernels(student.unadapted):
            return f"cannot hold {_STATE_SPACE} in 4 bits"
        if device.here and find_spec("bitsandbytes") is None:
            return "bitsandbytes is not installed: pip install 'dstill[qlora]'"
        if (reason := super().unfit(student, recipe, device)) or not device.here:
            return reason
        # loading it takes seconds: only where auto would take it
        wanted = recipe.policy == "recipe" or Lora().unfit(student, recipe, device)
        if wanted and not _has_library():
            return "bitsandbytes did not load its native library: python -m bitsandbytes says why"
        return None

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        """The base in NF4 with double quantization. Raises UsageError where 4 bits cannot be had."""
        from transformers import BitsAndBytesConfig

        _require_bitsandbytes(device)
        options = super().load_options(recipe, device)
        four_bit = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
        place = distributed.local_number() if device.kind == "cuda" else "cpu"
        return {**options, "quantization_config": four_bit, "device_map": {"": place}}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        if are_read_by_kernels(linear_layers(model)[1]):
            raise UsageError(
                f"qlora cannot hold {_STATE_SPACE} in 4 bits",
                where="train.modality = qlora",
                hint="train with --modality lora, or full",
            )
        model.requires_grad_(False)
        return super().prepare(model, recipe)


def _has_library() -> bool:
    """Whether bitsandbytes has the one that its kernels are in; where not, it says so only when one is called."""
    from bitsandbytes.cextension import ErrorHandlerMockBNBNativeLibrary, lib

    return not isinstance(lib, ErrorHandlerMockBNBNativeLibrary)


def _require_bitsandbytes(device: Device) -> None:
    if find_spec("bitsandbytes") is None:
        raise MissingExtra("modality qlora", "qlora", "bitsandbytes")
    if not _has_library():
        raise UsageError(
            f"bitsandbytes cannot hold weights in 4 bits on {device.name}: its native library did not load",
            where="train.modality = qlora",
            hint="bitsandbytes 0.48 or newer runs on CUDA and on x86-64 and ARM CPUs; or train with --modality lora",
        )
