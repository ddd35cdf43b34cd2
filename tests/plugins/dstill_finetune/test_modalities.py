"""Each modality trains on the CPU: which weights change, and that the loss falls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.finetuned import CPU, SMALL, fit, hf_student, losses
from support.sizes import first_quick

import dstill_torch
from dstill.api.modality import Modality
from dstill.api.recipe import Recipe
from dstill.errors import MissingExtra, UsageError
from dstill.plugins import PluginInfo, Plugins
from dstill_finetune.tiny import Tiny
from dstill_torch import modalities
from dstill_torch.modalities import Full, Lora, Qlora


def recording(kind: type[Modality]) -> Any:
    """The modality, which stores the prepared model and a copy of its initial weights."""

    class Recording(kind):  # type: ignore[misc,valid-type]
        model: Any
        before: dict[str, torch.Tensor]

        def prepare(self, model: Any, recipe: Recipe) -> Any:
            self.model = super().prepare(model, recipe)
            self.before = snapshot(self.model)
            return self.model

    return Recording()


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    """Every weight's own bytes; of a weight in 4 bits also its block constants."""
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        state = getattr(p, "quant_state", None)
        if state is not None:
            weights[f"{name} (constants)"] = state.absmax.clone()
            weights[f"{name} (constants' constants)"] = state.state2.absmax.clone()
    return weights


def changed_weights(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_full_trains_every_weight(base: Path, tmp_path: Path) -> None:
    modality = recording(Full)
    fitted = fit(hf_student(base), modality, tmp_path, max_steps=30)
    after = snapshot(modality.model)
    assert changed_weights(modality.before, after) == set(after)
    assert losses(fitted)[-1] < 0.7 * losses(fitted)[0]
    assert fitted.trained_parameters == fitted.all_parameters
    assert (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("kind", first_quick([Lora, Qlora]))
def test_lora_trains_only_the_adapters(kind: type[Modality], base: Path, tmp_path: Path) -> None:
    modality = recording(kind)
    fitted = fit(hf_student(base), modality, tmp_path, max_steps=30, learning_rate=2e-2)
    after = snapshot(modality.model)
    adapters = {name for name in after if "lora_" in name}
    assert adapters
    assert changed_weights(modality.before, after) == adapters
    assert losses(fitted)[-1] < 0.9 * losses(fitted)[0]
    assert fitted.trained_parameters < 0.5 * fitted.all_parameters
    saved = {path.name for path in tmp_path.iterdir()}
    assert "adapter_model.safetensors" in saved
    assert "model.safetensors" not in saved


def test_qlora_base_uses_double_quantized_four_bits(base: Path, tmp_path: Path) -> None:
    modality = recording(Qlora)
    fit(hf_student(base), modality, tmp_path, max_steps=1)
    packed = [p for p in modality.model.parameters() if type(p).__name__ == "Params4bit"]
    assert len(packed) >= 7
    assert all(p.dtype is torch.uint8 and p.quant_state.quant_type == "nf4" for p in packed)
    assert all(p.quant_state.nested for p in packed)
    packed_bytes = sum(p.numel() for p in packed)
    whole = hf_student(base).spec()
    assert packed_bytes * 2 == whole.parameters - whole.embedding  # what the planner counts as quantized


@pytest.mark.slow
@pytest.mark.parametrize("kind", first_quick([Full, Lora, Qlora]))
def test_tiny_trains_in_every_modality(kind: type[Modality], tmp_path: Path) -> None:
    modality = recording(kind)
    fitted = fit(Tiny(SMALL), modality, tmp_path, max_steps=30, learning_rate=2e-2)
    assert losses(fitted)[-1] < 0.9 * losses(fitted)[0]
    assert (tmp_path / "base" / "model.safetensors").exists() == (kind is not Full)


def test_named_targets_are_used_and_unknown_names_refused(t5: Path, tmp_path: Path) -> None:
    modality = recording(Lora)
    fit(hf_student(t5), modality, tmp_path, max_steps=1, target_modules="k, o")
    names = {name.split(".lora_")[0].rpartition(".")[2] for name in modality.before if ".lora_" in name}
    assert names == {"k", "o"}
    with pytest.raises(UsageError, match="no linear layer called 'q_proj'"):
        fit(hf_student(t5), Lora(), tmp_path, target_modules="q_proj")


def test_gradient_checkpointing_does_not_change_the_loss(base: Path, tmp_path: Path) -> None:
    plain, saving = recording(Lora), recording(Lora)
    fit(hf_student(base), plain, tmp_path / "a", max_steps=3)
    fit(hf_student(base), saving, tmp_path / "b", max_steps=3, gradient_checkpointing=True)
    one, other = snapshot(plain.model), snapshot(saving.model)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


# --- unsupported modalities -------------------------------------------------------------


def test_unsupported_modality_is_refused(monkeypatch: pytest.MonkeyPatch, t5: Path, tmp_path: Path) -> None:
    """bf16 that is not there, no bitsandbytes, a bitsandbytes without its library: said clearly, exit 2."""
    with pytest.raises(UsageError, match="test CPU has no bf16"):
        fit(hf_student(t5), Full(), tmp_path, precision="bf16")

    from bitsandbytes import cextension

    broken = cextension.ErrorHandlerMockBNBNativeLibrary("no library here")
    monkeypatch.setattr(cextension, "lib", broken)
    with pytest.raises(UsageError, match="cannot store weights in 4 bits on test CPU") as caught:
        fit(hf_student(t5), Qlora(), tmp_path)
    assert caught.value.exit_code == 2
    assert "--modality lora" in caught.value.hint

    monkeypatch.setattr(modalities, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs the extra 'qlora'") as missing:
        fit(hf_student(t5), Qlora(), tmp_path)
    assert missing.value.hint == "pip install 'dstill[qlora]'"
    shape = hf_student(t5).spec()
    assert "bitsandbytes is not installed" in (Qlora().unfit_reason(shape, Recipe(), CPU) or "")
    assert Full().unfit_reason(shape, Recipe(), CPU) is None  # so auto takes another


def test_auto_skips_qlora_without_the_bitsandbytes_library(monkeypatch: pytest.MonkeyPatch, t5: Path) -> None:
    """It would take QLoRA by memory or by the recipe's rule; without the library it takes the next, or says why."""
    from bitsandbytes import cextension

    plugins = Plugins()
    plugins.add(dstill_torch, PluginInfo(name="torch"))
    shape = replace(hf_student(t5).spec(), parameters=10**9)
    kinds, recipe = [Full(), Lora(), Qlora()], Recipe(precision="fp32")
    small = replace(CPU, free=Qlora().memory_required(shape, recipe).total)
    by_rule = replace(recipe, auto_modality="recipe")
    assert plugins.select_modality(kinds, shape, recipe, small).modality == "qlora"
    assert plugins.select_modality(kinds, shape, by_rule, replace(CPU, free=2**36)).modality == "qlora"

    monkeypatch.setattr(cextension, "lib", cextension.ErrorHandlerMockBNBNativeLibrary("no library here"))
    with pytest.raises(UsageError, match="no modality fits") as caught:
        plugins.select_modality(kinds, shape, recipe, small)
    assert "qlora: bitsandbytes could not load its native library" in caught.value.where
    assert plugins.select_modality(kinds, shape, by_rule, replace(CPU, free=2**36)).modality == "full"


def test_auto_precision_follows_the_device(t5: Path, tmp_path: Path) -> None:
    modality = recording(Lora)
    fit(hf_student(t5), modality, tmp_path, max_steps=1, precision="auto")
    assert {p.dtype for p in modality.model.parameters()} == {torch.float32}
