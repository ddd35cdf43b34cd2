"""The kinds of pretrained bases, and the settings that suit each.

    kind_of("models/qwen3-0.6b")                   →  "chat decoder"
    preset_of("models/qwen3-0.6b", recipe, "lora") →  Preset(name="chat decoder", recipe={"prompt": "chat", …})

                       prompt  adapters on    learning rate: adapter, full  batch  longest input
    chat decoder       chat    every linear   2e-4, 5e-5                    2 × 16     2,048
    plain decoder      plain   every linear   2e-4, 5e-5                    2 × 16     2,048
    encoder–decoder    plain   every linear   5e-4, 5e-5                    2 × 16     1,024

Adapters on every linear layer, and an adapter's rate for decoders, are those of Dettmers et al. 2023 (QLoRA, arXiv
2305.14314). In dstill's own benchmark they are better than adapters on the attention's q and v, and it trains with
the same batch of 32. The rate for all weights is that of Hsieh et al. 2023, the recipe's default.

An input that shows a schema takes up to 2,048 tokens; the attention of an encoder–decoder such as T5 needs memory for
the square of that. From a billion parameters on, activations are computed twice (gradient checkpointing): otherwise 4
billion parameters would not fit a card of 24 GB.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dstill.api.recipe import Recipe
from dstill.api.student import Preset
from dstill_finetune import gguf_files, model_loading
from dstill_finetune.chat import has_template
from dstill_finetune.gguf_head import settings_of
from dstill_finetune.meta import parameters_of

__all__ = ["CHAT", "ENCODER_DECODER", "PLAIN", "kind_of", "preset_of", "prompt_of"]

CHAT, PLAIN, ENCODER_DECODER = "chat decoder", "plain decoder", "encoder-decoder"
_ADAPTER_RATE = {CHAT: 2e-4, PLAIN: 2e-4, ENCODER_DECODER: 5e-4}
_FULL_RATE = 5e-5
_BATCH = ("per_device_train_batch_size", "gradient_accumulation_steps")
_LARGE_MODEL = 10**9  # parameters
_MAX_LENGTH = {CHAT: 2048, PLAIN: 2048, ENCODER_DECODER: 1024}


def kind_of(base: str) -> str:
    """The kind of a folder, GGUF file or hub id, without its weights. Raises DataError or ServiceError."""
    return _kind_of(base, model_loading.config_of(base))


def _kind_of(base: str, config: Any) -> str:
    if model_loading.is_encoder_decoder(config):
        return ENCODER_DECODER
    return CHAT if _has_chat_template(base) else PLAIN


def prompt_of(recipe: Recipe, *, encoder_decoder: bool, template: bool) -> str:
    """``chat`` or ``plain``. With the task word at the start of the answer, no conversation has the same form."""
    if recipe.prompt != "auto":
        return recipe.prompt
    return "chat" if template and not encoder_decoder and recipe.task_prefix == "encoder" else "plain"


def preset_of(base: str, recipe: Recipe, modality: str) -> Preset:
    """The preset for `base`. Raises DataError or ServiceError if it cannot be read.

    Args:
        base: A folder, GGUF file or hub id.
        recipe: The settings of the user.
        modality: The chosen one. Empty: none is chosen yet, and there is no learning rate.
    """
    config = model_loading.config_of(base)
    kind = _kind_of(base, config)
    full = modality == "full"
    settings: dict[str, Any] = {
        "prompt": prompt_of(recipe, encoder_decoder=kind == ENCODER_DECODER, template=kind == CHAT),
        "target_modules": "all-linear",
        "learning_rate": _FULL_RATE if full else _ADAPTER_RATE[kind],
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 16,
        "max_length": _MAX_LENGTH[kind],
        "gradient_checkpointing": parameters_of(config) >= _LARGE_MODEL,
    }
    if not modality:
        del settings["learning_rate"]
    if full:
        del settings["target_modules"]
    return Preset(name=kind, recipe=settings, together=(_BATCH,))


def _has_chat_template(base: str) -> bool:
    """Whether the tokenizer has a template; of files on this machine, without making the tokenizer."""
    if gguf_files.is_gguf(base):
        return bool(settings_of(Path(base).expanduser()).get("tokenizer.chat_template"))
    folder = Path(base).expanduser()
    if not folder.is_dir():
        return has_template(model_loading.load_tokenizer(base))
    if (folder / "chat_template.jinja").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(json.loads(config.read_text(encoding="utf-8")).get("chat_template"))
