"""The model card with hostile text: no hidden characters, and its code uses the same prompt."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.inert import HOSTILE, READABLE, hidden

from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill.api.student import TrainingJob, TrainResult
from dstill.runtime import hardware
from dstill_finetune.card import model_card
from dstill_finetune.student_metadata import Facts
from dstill_torch.modalities import Full

FITTED = TrainResult(steps=1, seconds=1.0, history=(), peak_memory=0, trained_parameters=1, all_parameters=1)


@pytest.mark.parametrize("base", ["", f"models/{HOSTILE}", f"models/{HOSTILE}.gguf"])
def test_card_escapes_text_and_its_code_asks_the_same_prompt(base: str, tmp_path: Path) -> None:
    facts = Facts(
        student="hf", base=base, modality="lora", adapter=bool(base), four_bit=False, encoder_decoder=True,
        new_tokens=(), seed=0, max_length=8, max_target_length=8,
    )  # fmt: skip
    pair = Pair(task_prefix="predict: ", source=f"{HOSTILE}{READABLE}", target="")
    job = TrainingJob(
        train=[(pair,)], validation=[], modality=Full(), recipe=Recipe(), device=hardware.device(), folder=tmp_path,
        seed=0, card={HOSTILE: HOSTILE},
    )  # fmt: skip
    card = model_card(facts, job, FITTED, n_too_long=0, cut=False)
    assert not hidden(card)
    tree = ast.parse(card.split("```python\n")[1].rsplit("```", 1)[0])
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert pair.task_prefix + pair.source in values
