"""The loss of a batch: the multi-task loss of Distilling Step-by-Step (Hsieh et al. 2023), per branch.

In: a batch of `Collator`. Out: the loss of every labelled token, in the order of ``labels[labels != IGNORED]``.

    counts = Σ tokens(batch, branches)         # over the batches of one optimizer step
    scale(batch, counts)                       # weight of a token's branch / tokens of that branch
    TokenLosses(model).total(model, batch)     # Σ token loss · scale, to be added over the batches

Tokens are counted per branch over everything that one optimizer step sees. So losses and gradients of its batches add
up to those of one large batch, however they are divided; padding does not count.

The vocabulary head runs only at labelled positions, and the encoder once per source.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dstill_finetune.collate import IGNORED
from dstill_finetune.cross_entropy import cross_entropy
from dstill_finetune.model_loading import is_encoder_decoder

if TYPE_CHECKING:
    import torch

__all__ = ["TokenLosses", "scale", "tokens"]


def tokens(batch: dict[str, Any], branches: int) -> torch.Tensor:
    """``[branches]`` labelled tokens of each branch, on the CPU; records that only fill up a batch do not count."""
    import torch

    labelled = batch["branch"][(batch["labels"] != IGNORED) & (batch["weight"] > 0)].cpu()
    return torch.bincount(labelled, minlength=branches).double()


def scale(batch: dict[str, Any], counts: torch.Tensor) -> None:
    """Replace ``branch`` and ``weight`` by ``scale``, the factor of each token in the loss: ``[rows, T]``.

    `counts`: the tokens of each branch in the whole optimizer step, ``[branches]``.
    """
    branch, weight = batch.pop("branch").cpu(), batch.pop("weight").cpu()
    batch["scale"] = (weight / counts.where(counts > 0, 1.0)[branch]).float()


class TokenLosses:
    """Computes token losses by hooks on a model's head and encoder; create it once per model."""

    def __init__(self, model: Any) -> None:
        self._labelled: torch.Tensor | None = None
        model.get_output_embeddings().register_forward_pre_hook(self._labelled_positions)
        self._distinct_sources: tuple[torch.Tensor, torch.Tensor] | None = None  # `distinct`, `place` of the batch
        if is_encoder_decoder(model.config):
            encoder = model.get_encoder()
            encoder.register_forward_pre_hook(self._select_sources, with_kwargs=True)
            encoder.register_forward_hook(self._repeat_sources)

    def total(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        """The batch's part of the step's loss, a scalar; call `scale` on the batch first."""
        factor = batch.pop("scale")
        losses, labelled = self(model, batch)
        total: torch.Tensor = (losses * factor[labelled]).sum()
        return total

    def __call__(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses of the labelled tokens, ``[tokens]``, and the mask of those in ``labels``, ``[rows, T]``."""
        labels = batch.pop("labels")
        labelled = labels != IGNORED
        sources = (batch.pop("distinct"), batch.pop("place")) if "distinct" in batch else None
        with self._only(labelled, sources):
            logits = model(**batch, use_cache=False).logits
        if logits.dim() == 3:  # an architecture that does not call its head as a module
            logits = logits[labelled]
        return cross_entropy(logits, labels[labelled]), labelled

    @contextlib.contextmanager
    def _only(self, labelled: torch.Tensor, sources: tuple[torch.Tensor, torch.Tensor] | None) -> Iterator[None]:
        self._labelled, self._distinct_sources = labelled, sources
        try:
            yield
        finally:
            self._labelled = self._distinct_sources = None

    def _labelled_positions(self, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return None if self._labelled is None else (inputs[0][self._labelled], *inputs[1:])

    def _select_sources(self, module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Give the encoder one row of each distinct source."""
        if self._distinct_sources is None:
            return None
        rows = self._distinct_sources[0]
        return tuple(_select(value, rows) for value in inputs), {k: _select(v, rows) for k, v in named.items()}

    def _repeat_sources(self, module: Any, inputs: Any, output: Any) -> Any:
        """Give every row of the batch the encoder's output for its source."""
        if self._distinct_sources is None:
            return None
        output["last_hidden_state"] = output["last_hidden_state"][self._distinct_sources[1]]
        return output


def _select(value: Any, rows: torch.Tensor) -> Any:
    import torch

    return value[rows] if isinstance(value, torch.Tensor) else value
