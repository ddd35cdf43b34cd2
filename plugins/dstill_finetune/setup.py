"""Sets up conversations, encoder, collator and generation settings for a tokenizer and a model.

prompts = prompts_of(tokenizer, job.train, recipe, encoder_decoder=False, where="models/mine")
encoder = encoder_of(tokenizer, model, recipe, {})
collator = collator_of(model, encoder, data, validation)
set_generation_config(model, tokenizer, recipe)
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill.errors import ConfigError, DataError
from dstill.io.logs import log
from dstill_finetune import model_loading
from dstill_finetune.chat import Chat, adopt, has_template, plain_templates, system_messages
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_finetune.presets import prompt_of
from dstill_finetune.sharing import sharing
from dstill_finetune.student_metadata import Facts
from dstill_torch.dataset import Dataset

__all__ = [
    "Prompts",
    "collator_of",
    "encoder_of",
    "prompts_of",
    "require_rows",
    "set_generation_config",
]


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """How a student is asked."""

    chat: Chat | None = None  # None: with plain prompts
    system_messages: Mapping[str, str] = field(default_factory=dict)  # as in `Facts`


def prompts_of(
    tokenizer: Any, records: Sequence[Sequence[Pair]], recipe: Recipe, *, encoder_decoder: bool, where: str
) -> Prompts:
    """How the student of this tokenizer is asked, by the recipe.

    The tokenizer's chat template becomes one that renders what the student reads, or none. Raises DataError if the
    student is to chat and cannot; it names `where`.
    """
    form = prompt_of(recipe, encoder_decoder=encoder_decoder, template=has_template(tokenizer))
    words = system_messages(pair.task_prefix for record in records for pair in record)
    if form == "chat":
        if encoder_decoder or recipe.task_prefix == "decoder":
            raise ConfigError(
                "an encoder–decoder does not chat"
                if encoder_decoder
                else "in a conversation, an answer cannot begin with the task word",
                where="train.prompt = chat" + ("" if encoder_decoder else ", train.task_prefix = decoder"),
                hint='set train.prompt to "plain"' + ("" if encoder_decoder else ', or task_prefix to "encoder"'),
            )
        adopt(tokenizer, where)
        return Prompts(chat=Chat(tokenizer, words), system_messages=words)
    tokenizer.chat_template = None
    if encoder_decoder or not records:
        return Prompts()
    plain = Encoder(
        tokenizer,
        encoder_decoder=False,
        max_length=sys.maxsize,
        max_target_length=sys.maxsize,
        task_prefix=recipe.task_prefix,
    )
    read = [row.source + row.task for row in plain.encode(records[:1]).records[0]]
    for template in plain_templates(tokenizer, words, recipe.task_prefix):
        tokenizer.chat_template = template
        chat = Chat(tokenizer, words)
        rendered = [chat.render(pair.task_prefix, pair.source) for pair in records[0]]
        if tokenizer(rendered, add_special_tokens=False)["input_ids"] == read:
            return Prompts(system_messages=words)
    tokenizer.chat_template = None  # the tokens of these prompts are not those of any text
    return Prompts()


def encoder_of(
    tokenizer: Any, model: Any, form: Recipe | Facts, tasks: Mapping[str, list[int]], chat: Chat | None = None
) -> Encoder:
    """The encoder with the lengths of `form`; `tasks`: task word → ids of a trained student."""
    return Encoder(
        tokenizer,
        encoder_decoder=model_loading.is_encoder_decoder(model.config),
        max_length=form.max_length,
        max_target_length=form.max_target_length,
        task_prefix=form.task_prefix,
        tasks=tasks,
        positions=model_loading.positions_of(model.config),
        chat=chat,
    )


def collator_of(model: Any, encoder: Encoder, data: Dataset, validation: Dataset, *, new_tokens: int = 0) -> Collator:
    """The collator for both datasets; prompts are shared between branches if the model can."""
    tokenizer, shared = encoder.tokenizer, None
    branches = list(dict.fromkeys([*data.branches, *validation.branches]))
    if encoder.task_prefix == "decoder" and len(branches) > 1:
        shared = sharing(model)
        if shared is None and not encoder.encoder_decoder:
            log.warning("the student cannot share a prompt between branches: each branch is its own sequence")
    return Collator(
        encoder_decoder=encoder.encoder_decoder,
        pad=tokenizer.pad_token_id,
        branches=branches,
        start=model.config.decoder_start_token_id if encoder.encoder_decoder else 0,
        sharing=shared,
        new_tokens=new_tokens,
    )


def require_rows(model: Any, data: Dataset, base: str) -> None:
    """Raises DataError if the data has a token that the model's embedding has no row for."""
    rows = model.get_input_embeddings().weight.shape[0]
    lines = (ids for record in data.records for row in record for ids in (row.source, row.task, row.target))
    last = max((max(ids) for ids in lines if ids), default=0)
    if last >= rows:
        raise DataError(
            f"the tokenizer writes token {last:,}, and the model knows {rows:,}",
            where=base,
            hint="tokenizer and weights are from two models: take both from one",
        )


def set_generation_config(model: Any, tokenizer: Any, form: Recipe | Facts) -> None:
    """Make greedy generation within the length limit of `form` the model's default.

    The base's settings are dropped: a repetition penalty, as chat models have, makes queries wrong.
    """
    from transformers import GenerationConfig

    start = None
    if model_loading.is_encoder_decoder(model.config):
        start = getattr(model.config, "decoder_start_token_id", None)
        if start is None:
            start = model.config.decoder_start_token_id = tokenizer.pad_token_id
    model.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=form.max_target_length,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=start,
    )
