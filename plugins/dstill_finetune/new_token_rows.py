"""Rows of embedding and head for tokens that a tokenizer got anew (`tokenizer.repair`).

FLAN-T5 has a head of its own, though its configuration says that head and embedding are one: what ties them
by the configuration would lose the head. So what the weights are is asked first.
"""

from __future__ import annotations

from typing import Any, Sequence

__all__ = ["NEW_TOKENS", "add_rows", "token_rows"]

NEW_TOKENS = "dstill_new_tokens"  # attribute of a model: the ids whose rows are new, for a modality to train


def add_rows(model: Any, tokens: int, new: Sequence[int], seed: int) -> None:
    """Embedding and head get a row for each new token, drawn like the rows that are there, from `seed` alone."""
    import torch

    if not new:
        return
    setattr(model, NEW_TOKENS, tuple(new))
    if model.get_input_embeddings().weight.shape[0] < tokens:
        said = model.config.tie_word_embeddings
        model.config.tie_word_embeddings = _are_one(model)
        model.resize_token_embeddings(tokens, mean_resizing=False)
        model.config.tie_word_embeddings = said
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in dict.fromkeys((model.get_input_embeddings(), model.get_output_embeddings())):
            weight = module.weight
            old = weight[: min(new)].float()
            noise = torch.randn(len(new), weight.shape[1], generator=generator).to(weight.device)
            weight[list(new)] = (old.mean(0) + old.std(0) * noise).to(weight.dtype)


def token_rows(model: Any) -> dict[str, list[int]] | None:
    """The rows to train of embedding and head, for peft's ``trainable_token_indices``."""
    import torch

    new = list(getattr(model, NEW_TOKENS, ()))
    if not new:
        return None
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    paths = {id(module): path for path, module in model.named_modules()}
    rows = {paths[id(embedding)]: new}
    if _are_one(model):
        return rows
    if not model.config.tie_word_embeddings:
        rows[paths[id(head)]] = new
        return rows
    # peft goes by the configuration: the head takes the embedding's new rows, so they begin in the head's scale
    with torch.no_grad():
        embedding.weight[new] = head.weight[new]
    return rows


def _are_one(model: Any) -> bool:
    """Whether embedding and head are one weight."""
    head = model.get_output_embeddings()
    return head is None or head.weight is model.get_input_embeddings().weight
