"""The loss matches training.md: each branch is a mean over its own tokens, without padding."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.bare_training import bare_training
from support.finetuned import CPU, records

from dstill.api.recipe import Recipe
from dstill_finetune import model_loading
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_torch.dataset import Dataset
from dstill_torch.step_trainer import learning_rate_factor

BRANCHES = ("predict: ", "explain: ")
Step = Callable[..., tuple[float, dict[str, torch.Tensor]]]


def load_base(base: Path) -> tuple[Any, Encoder, Collator]:
    model = model_loading.load_model(str(base), {"dtype": torch.float32})
    encoder_decoder = model_loading.is_encoder_decoder(model.config)
    encoder = Encoder(
        model_loading.load_tokenizer(str(base)), encoder_decoder=encoder_decoder, max_length=64, max_target_length=64
    )
    return model, encoder, Collator(encoder_decoder=encoder_decoder, pad=0, start=0, branches=BRANCHES)


def reference(model: Any, data: Dataset, encoder_decoder: bool) -> float:
    """A plain implementation: one row at a time, no padding, the whole head."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for record in data.records:
        for row in record:
            if encoder_decoder:
                logits = model(
                    input_ids=torch.tensor([row.source]), decoder_input_ids=torch.tensor([[0, *row.target[:-1]]])
                ).logits[0]
            else:
                ids = row.source + row.target
                logits = model(input_ids=torch.tensor([ids])).logits[0, len(row.source) - 1 : -1]
            losses = torch.nn.functional.cross_entropy(logits, torch.tensor(row.target), reduction="sum")
            sums[row.branch] = sums.get(row.branch, 0.0) + row.weight * losses.item()
            counts[row.branch] = counts.get(row.branch, 0) + len(row.target)
    return sum(sums[branch] / counts[branch] for branch in sums)


@pytest.fixture
def one_step(base: Path, tmp_path: Path) -> Step:
    """Loss and weights after one optimizer step over twelve records of unequal lengths."""

    def step(**recipe: Any) -> tuple[float, dict[str, torch.Tensor]]:
        model, encoder, collator = load_base(base)
        losses: list[float] = []
        bare_training(
            model,
            collator,
            encoder.encode(records(12)),
            encoder.encode([]),
            Recipe(learning_rate=1e-2, max_steps=1, warmup_ratio=0.0, precision="fp32", **recipe),
            CPU,
            on_step=lambda step, of, values: losses.append(values["loss"]),
        )
        return losses[0], dict(model.state_dict())

    return step


def share_changed(base: Path, weights: dict[str, torch.Tensor]) -> float:
    """Share of the weights that are not the base's."""
    before = dict(load_base(base)[0].state_dict())
    return torch.cat([(weight != before[name]).flatten() for name, weight in weights.items()]).float().mean().item()


def test_optimizer_is_configurable(base: Path, one_step: Step) -> None:
    """Both are AdamW: one step gives the same weights."""
    _, plain = one_step(per_device_train_batch_size=12)
    _, fused = one_step(per_device_train_batch_size=12, optim="adamw_torch_fused")
    assert all(torch.allclose(weight, plain[name], atol=1e-6) for name, weight in fused.items())
    assert share_changed(base, plain) > 0.5


def test_validation_loss_uses_the_same_weights(base: Path, tmp_path: Path) -> None:
    model, encoder, collator = load_base(base)
    data = encoder.encode(records(12))
    with torch.no_grad():
        want = reference(model, data, encoder.encoder_decoder)
    found: list[float] = []
    bare_training(
        model,
        collator,
        data,
        data,
        Recipe(learning_rate=1e-12, max_steps=1, per_device_train_batch_size=5, precision="fp32"),
        CPU,
        on_step=lambda step, of, values: found.extend([values["eval_loss"]] if "eval_loss" in values else []),
    )
    assert found == [pytest.approx(want, rel=1e-5)]


def test_learning_rate_warms_up_then_decays_to_zero() -> None:
    values = [learning_rate_factor(step / 100, 0.1) for step in range(101)]
    assert values[5] == pytest.approx(0.5)
    assert max(values) == values[10] == pytest.approx(1.0)
    assert values[-1] == 0.0
    assert all(a >= b for a, b in itertools.pairwise(values[10:]))
    assert math.isclose(learning_rate_factor(0.0, 0.0), 1.0)
