"""Loads the parts of a trained student: its tokenizer and conversations, its adapter, and the adapter's base.

Each function raises DataError if a file is missing, damaged, or not the one that the student was trained with.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from dstill.errors import DataError
from dstill_finetune import model_loading
from dstill_finetune.chat import Chat, has_template
from dstill_finetune.student_metadata import FILE, Facts
from dstill_torch.damage import damaged

__all__ = ["chat_of", "require_base", "require_tokens", "saved_tokenizer", "with_adapter"]


def require_base(facts: Facts, folder: Path) -> None:
    """Raises DataError if the base of the adapter is missing or has other weights than in training."""
    if not facts.base_sha256:  # a hub id, or a base in the student's own folder
        return
    setting = f'"base" in {folder / FILE}'
    if not Path(facts.base).exists():
        raise DataError(
            "the base of this adapter is not where it was",
            where=facts.base,
            hint=f"put it back, or write its new path as {setting}",
        )
    if model_loading.fingerprint(facts.base) != facts.base_sha256:
        raise DataError(
            "the base of this adapter has other weights than the adapter was trained with",
            where=facts.base,
            hint=f"put those back, or write their path as {setting}; else train again",
        )


def require_tokens(tokenizer: Any, model: Any, facts: Facts, folder: Path) -> None:
    """Raises DataError if the tokenizer has a token for answers that the model's embedding has no row for."""
    rows = model.get_input_embeddings().weight.shape[0]
    used = [
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
        *facts.new_tokens,
        *chain.from_iterable(facts.tasks.values()),
    ]
    if facts.encoder_decoder:
        used.append(model.generation_config.decoder_start_token_id)
    if not all(isinstance(token, int) and 0 <= token < rows for token in used):
        raise DataError(
            f"the student's tokenizer does not belong to its model, which has {rows:,} tokens",
            where=str(folder),
            hint="tokenizer and weights are from two students: take both from one, or train it again",
        )


def with_adapter(model: Any, folder: Path) -> Any:
    """`model` with the adapter in `folder`; only safetensors are read."""
    from peft import PeftModel

    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():  # peft would load pickled weights instead, or ask the hub
        raise DataError("the adapter's weights are missing", where=str(weights))
    with damaged("the adapter cannot be loaded", where=str(folder), hint="train it again"):
        adapted = PeftModel.from_pretrained(model, str(folder))
        own = ((name, weight) for name, weight in adapted.named_parameters() if "lora_" in name)
        model_loading.require_finite(own, str(weights))
        return adapted


def chat_of(tokenizer: Any, facts: Facts, folder: Path) -> Chat | None:
    """The conversations of a student that was trained with them; None: its prompts are plain."""
    if facts.prompt == "plain":
        return None
    if not has_template(tokenizer):
        raise DataError(
            "the student's chat template is missing", where=str(folder / "chat_template.jinja"), hint="train it again"
        )
    chat = Chat(tokenizer, facts.system_messages)
    with damaged("the student's chat template cannot be used", where=str(folder), hint="train it again"):
        chat.ending  # noqa: B018 - renders a message
    return chat


def saved_tokenizer(folder: Path) -> Any:
    """The tokenizer that training saved in `folder`."""
    from transformers import AutoTokenizer

    with damaged("the student's tokenizer cannot be loaded", where=str(folder), hint="train it again"):
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
