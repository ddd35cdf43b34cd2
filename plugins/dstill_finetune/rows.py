"""Rows of embedding and head for tokens that a tokenizer got anew (`tokenizer.repair`)."""

from __future__ import annotations

from typing import Any, Sequence

__all__ = ["NEW_TOKENS", "add_rows"]

NEW_TOKENS = "dstill_new_tokens"  # attribute of a model: the ids whose rows are new, for a modality to train


def add_rows(model: Any, tokens: int, new: Sequence[int], seed: int) -> None:
    """Embedding and head get a row for each new token, drawn like the rows that are there, from `seed` alone."""
    import torch

    if not new:
        return
    setattr(model, NEW_TOKENS, tuple(new))
    if model.get_input_embeddings().weight.shape[0] < tokens:
        model.resize_token_embeddings(tokens, mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in dict.fromkeys((model.get_input_embeddings(), model.get_output_embeddings())):
            weight = module.weight
            old = weight[: min(new)].float()
            noise = torch.randn(len(new), weight.shape[1], generator=generator).to(weight.device)
            weight[list(new)] = (old.mean(0) + old.std(0) * noise).to(weight.dtype)
