"""Rows of embedding and head for tokens that were added to a tokenizer (`tokenizer.repair`).

FLAN-T5's head is not tied to its embedding, though its configuration says so: tying them by the configuration would
lose the head. So the weights themselves are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["NEW_TOKENS", "add_rows", "token_rows"]

NEW_TOKENS = "dstill_new_tokens"  # attribute of a model: the ids of new rows, which a modality trains


def add_rows(model: Any, tokens: int, new: Sequence[int], seed: int) -> None:
    """Add a row to embedding and head for each new token.

    The rows are normal, with the mean and deviation of the existing rows, and depend only on `seed`.

    Args:
        model: The untrained model.
        tokens: The size of the tokenizer with its new tokens.
        new: The new ids.
        seed: Of the rows.
    """
    import torch

    if not new:
        return
    setattr(model, NEW_TOKENS, tuple(new))
    if model.get_input_embeddings().weight.shape[0] < tokens:
        tied = model.config.tie_word_embeddings
        model.config.tie_word_embeddings = _are_tied(model)
        model.resize_token_embeddings(tokens, mean_resizing=False)
        model.config.tie_word_embeddings = tied
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in dict.fromkeys((model.get_input_embeddings(), model.get_output_embeddings())):
            weight = module.weight
            old = weight[: min(new)].float()
            noise = torch.randn(len(new), weight.shape[1], generator=generator).to(weight.device)
            weight[list(new)] = (old.mean(0) + old.std(0) * noise).to(weight.dtype)


def token_rows(model: Any) -> dict[str, list[int]] | None:
    """The new rows of embedding and head, for peft's ``trainable_token_indices``; None without new tokens."""
    import torch

    new = list(getattr(model, NEW_TOKENS, ()))
    if not new:
        return None
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    paths = {id(module): path for path, module in model.named_modules()}
    rows = {paths[id(embedding)]: new}
    if _are_tied(model):
        return rows
    if not model.config.tie_word_embeddings:
        rows[paths[id(head)]] = new
        return rows
    # peft ties the new rows, as the configuration says, so the embedding's start as the head's
    with torch.no_grad():
        embedding.weight[new] = head.weight[new]
    return rows


def _are_tied(model: Any) -> bool:
    """Whether embedding and head share one weight."""
    head = model.get_output_embeddings()
    return head is None or head.weight is model.get_input_embeddings().weight
