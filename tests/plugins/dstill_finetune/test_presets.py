"""The kind of a base, and the settings that it gets; those of the user always win."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.chat import TEMPLATE
from support.finetuned import hf_student
from support.gguf_files import write_llama

from dstill import config as configuration
from dstill.api.recipe import Recipe
from dstill.stages.train.presets import with_preset
from dstill_finetune.presets import CHAT, ENCODER_DECODER, PLAIN, kind_of


def chat_of(base: Path, folder: Path) -> Path:
    """`base` with a chat template in its own file."""
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def test_kind_is_known_from_configuration_and_template(t5: Path, llama: Path, tmp_path: Path) -> None:
    assert kind_of(str(t5)) == ENCODER_DECODER
    assert kind_of(str(chat_of(t5, tmp_path / "t5"))) == ENCODER_DECODER
    assert kind_of(str(llama)) == PLAIN
    assert kind_of(str(chat_of(llama, tmp_path / "chat"))) == CHAT
    settings = json.loads((llama / "tokenizer_config.json").read_text())
    inline = shutil.copytree(llama, tmp_path / "inline")
    (inline / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": TEMPLATE}))
    assert kind_of(str(inline)) == CHAT
    (inline / "tokenizer_config.json").unlink()
    assert kind_of(str(inline)) == PLAIN  # `dstill experiment plan` needs no tokenizer
    write_llama(tmp_path / "plain.gguf")
    write_llama(tmp_path / "chat.gguf", template=TEMPLATE)
    assert [kind_of(str(tmp_path / f"{name}.gguf")) for name in ("plain", "chat")] == [PLAIN, CHAT]


def preset(base: Path, modality: str = "lora", **flags: Any) -> tuple[Recipe, Any]:
    config = configuration.load(use_files=False, flags={f"train.{key}": value for key, value in flags.items()})
    config, applied = with_preset(config, hf_student(base), modality)
    return config.settings.train, applied


def test_each_kind_has_its_settings(t5: Path, llama: Path, tmp_path: Path) -> None:
    chat = chat_of(llama, tmp_path / "chat")
    recipe, applied = preset(chat)
    assert (recipe.prompt, recipe.target_modules, recipe.learning_rate) == ("chat", "all-linear", 2e-4)
    assert (recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps) == (2, 16)
    assert (recipe.max_length, recipe.gradient_checkpointing) == (2048, False)
    assert str(applied).startswith("preset chat decoder: prompt=chat, target_modules=all-linear, learning_rate=0.0002")
    assert preset(llama)[0].prompt == "plain"
    recipe, applied = preset(t5)
    assert (recipe.prompt, recipe.learning_rate, recipe.max_length) == ("plain", 5e-4, 1024)
    assert applied.name == "encoder-decoder"


def test_learning_rate_depends_on_the_modality(llama: Path) -> None:
    assert preset(llama, "full")[0].learning_rate == 5e-5
    assert "target_modules" not in preset(llama, "full")[1].used
    assert "learning_rate" not in preset(llama, "")[1].used


def test_settings_of_the_user_win_even_if_they_are_the_defaults(llama: Path) -> None:
    default = Recipe()
    own = {"learning_rate": default.learning_rate, "target_modules": default.target_modules, "max_length": 77}
    recipe, applied = preset(llama, **own)
    assert {key: getattr(recipe, key) for key in own} == own
    assert applied.yours == own
    assert str(applied).endswith("; yours: target_modules=attention, learning_rate=5e-05, max_length=77")


@pytest.mark.parametrize("own", ["per_device_train_batch_size", "gradient_accumulation_steps"])
def test_batch_and_accumulation_are_set_together(own: str, llama: Path) -> None:
    recipe, applied = preset(llama, **{own: 8})
    batch = (recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps)
    assert batch == ((8, 1) if own.startswith("per") else (2, 8))
    assert applied.used.keys().isdisjoint({"per_device_train_batch_size", "gradient_accumulation_steps"})


def test_prompt_is_plain_with_the_task_word_in_the_answer(llama: Path, tmp_path: Path) -> None:
    chat = chat_of(llama, tmp_path / "chat")
    assert preset(chat, task_prefix="decoder")[0].prompt == "plain"
    assert preset(chat, prompt="plain")[1].yours["prompt"] == "plain"
