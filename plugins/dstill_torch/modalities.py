"""The modalities: which weights are trained, and how the others are stored.

    name    trained                                             priority
    full    every weight                                        100
    lora    low-rank adapters on a frozen base                   60
    qlora   the same on a base in 4 bits                         30

LoRA is Hu et al. 2021 (arXiv 2106.09685). QLoRA is Dettmers et al. 2023 (arXiv 2305.14314): 4-bit NormalFloat (NF4)
weights with double quantization. Option names are peft's and transformers' own. The recipe's defaults are rank 16,
alpha 4 × rank, dropout 0.1, query and value projections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.errors import MissingExtra, UsageError
from dstill.io.units import size
from dstill.runtime import distributed
from dstill_torch import memory
from dstill_torch.declarations import LORA, QLORA
from dstill_torch.lora_targets import are_read_by_kernels, linear_layers, targets
from dstill_torch.new_token_rows import token_rows
from dstill_torch.settings import resolved

__all__ = ["Full", "Lora", "Qlora"]

_STATE_SPACE = "a state space layer, whose kernels need unquantized weights,"


class _Base(Modality):
    def unfit_reason(self, student: ModelSpec, recipe: Recipe, device: Device) -> str | None:
        recipe = resolved(recipe, device)
        if device.kind != "cuda" or device.is_local:  # here, free memory is measured with CUDA already loaded
            return super().unfit_reason(student, recipe, device)
        without_context = replace(device, free=max(0, device.free - memory.CONTEXT))
        reason = super().unfit_reason(student, recipe, without_context)
        return reason and f"{reason} beside {size(memory.CONTEXT)} of CUDA's own"


class Full(_Base):
    """Trains every weight."""

    name = "full"
    priority = 100
    ignores = frozenset({"r", "lora_alpha", "lora_dropout", "target_modules"})

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return memory.full(student, recipe)

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        import torch

        # with bf16 too: its 8 bits of precision would lose an update of 1e-5 of a weight
        return {"dtype": torch.float32}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        model.requires_grad_(True)
        return model


class Lora(_Base, declared=LORA):
    """Trains low-rank adapters on a frozen base."""

    priority = 60

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return memory.lora(student, recipe)

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        import torch

        return {"dtype": torch.bfloat16 if resolved(recipe, device).precision == "bf16" else torch.float32}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        """Add adapters to the target modules, and train the embedding rows of new tokens."""
        from peft import LoraConfig, get_peft_model

        if recipe.gradient_checkpointing:
            model.enable_input_require_grads()
        config = LoraConfig(
            r=recipe.r,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=recipe.lora_dropout,
            target_modules=targets(model, recipe.target_modules),
            trainable_token_indices=token_rows(model),
            task_type=_task_type(model),
        )
        return get_peft_model(model, config)


class Qlora(Lora, declared=QLORA):
    """Trains low-rank adapters on a frozen base in 4 bits."""

    priority = 30

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return memory.qlora(student, recipe)

    def unfit_reason(self, student: ModelSpec, recipe: Recipe, device: Device) -> str | None:
        if are_read_by_kernels(student.unadapted):
            return f"cannot store {_STATE_SPACE} in 4 bits"
        if 0 < student.parameters == student.embedding:
            return "has no weights to store in 4 bits"
        if device.is_local and find_spec("bitsandbytes") is None:
            return "bitsandbytes is not installed: pip install 'dstill[qlora]'"
        if (reason := super().unfit_reason(student, recipe, device)) or not device.is_local:
            return reason
        # loading bitsandbytes takes seconds, so only if auto would choose qlora
        preferred = recipe.auto_modality == "recipe" or Lora().unfit_reason(student, recipe, device)
        if preferred and not _has_native_library():
            return "bitsandbytes could not load its native library: `python -m bitsandbytes` says why"
        return None

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        """NF4 with double quantization. Raises UsageError or MissingExtra if bitsandbytes cannot be used."""
        from transformers import BitsAndBytesConfig

        _require_bitsandbytes(device)
        options = super().load_options(recipe, device)
        four_bit = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
        place = distributed.local_rank() if device.kind == "cuda" else "cpu"
        return {**options, "quantization_config": four_bit, "device_map": {"": place}}

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        if are_read_by_kernels(linear_layers(model)[1]):
            raise UsageError(
                f"qlora cannot store {_STATE_SPACE} in 4 bits",
                where="train.modality = qlora",
                hint="train with --modality lora or full",
            )
        model.requires_grad_(False)
        return super().prepare(model, recipe)


def _task_type(model: Any) -> str | None:
    """Peft's name for what the model does; None for one that is not of transformers."""
    if not hasattr(model, "config"):
        return None
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"


def _has_native_library() -> bool:
    """Whether bitsandbytes loaded its kernels; if not, it raises only when one is called."""
    from bitsandbytes.cextension import ErrorHandlerMockBNBNativeLibrary, lib

    return not isinstance(lib, ErrorHandlerMockBNBNativeLibrary)


def _require_bitsandbytes(device: Device) -> None:
    if find_spec("bitsandbytes") is None:
        raise MissingExtra("modality qlora", "qlora", "bitsandbytes")
    if not _has_native_library():
        raise UsageError(
            f"bitsandbytes cannot store weights in 4 bits on {device.name}: its native library did not load",
            where="train.modality = qlora",
            hint="bitsandbytes 0.48 or newer runs on CUDA and on x86-64 and ARM CPUs; or train with --modality lora",
        )
