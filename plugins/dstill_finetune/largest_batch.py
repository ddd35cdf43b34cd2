"""Finds the batch that needs most memory, and describes it for the planner.

    records = largest(data.records, recipe.per_device_train_batch_size)
    batch_of(collator, records)  →  Batch(source_shape=(64, 122), target_shape=(64, 97), loss_tokens=4_912)

All sequences of a record are in one forward pass: two for Distilling Step-by-Step, one row if a prompt is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dstill.api.modality import Batch
from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill_finetune.chat import Chat
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_finetune.model_loading import UNBOUNDED
from dstill_finetune.sharing import Sharing
from dstill_torch.batches import IGNORED
from dstill_torch.dataset import Encoded, largest

__all__ = ["batch_before_training", "batch_of"]


def batch_of(collator: Collator, records: Sequence[Encoded], new_tokens: int = 0) -> Batch:
    """The shapes of the batch of `records`, for the planner; `new_tokens`: embedding rows that are trained."""
    batch = collator(records)
    rows, tokens = batch["input_ids"].shape
    if "distinct" in batch:  # the encoder computes each source once
        rows = len(batch["distinct"])
    target = tuple(batch["decoder_input_ids"].shape) if "decoder_input_ids" in batch else (0, 0)
    labels = int((batch["labels"] != IGNORED).sum())
    return Batch(source_shape=(rows, tokens), target_shape=target, loss_tokens=labels, new_tokens=new_tokens)


def batch_before_training(
    tokenizer: Any,
    train: Sequence[Sequence[Pair]],
    recipe: Recipe,
    *,
    encoder_decoder: bool,
    new_tokens: int,
    positions: tuple[int, int] = UNBOUNDED,
    chat: Chat | None = None,
) -> Batch | None:
    """As `batch_of` for the largest batch, before there is a model; None if no record is within the limits."""
    encoder = Encoder(
        tokenizer,
        encoder_decoder=encoder_decoder,
        max_length=recipe.max_length,
        max_target_length=recipe.max_target_length,
        task_prefix=recipe.task_prefix,
        positions=positions,
        chat=chat,
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
    )
    return batch_of(collator, largest(data.records, recipe.per_device_train_batch_size), new_tokens)
