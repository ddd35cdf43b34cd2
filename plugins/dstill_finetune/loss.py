"""The loss of a batch, with the vocabulary head and the encoder computed no more than is needed.

In: a batch of `Collator`. Out: the loss of every learnt token, in the order of ``labels[labels != IGNORED]``.

    counts = Σ over the batches of one optimizer step of tokens(batch, branches)
    scale(batch, counts)                       # weight of a token's branch / tokens of that branch
    TokenLosses(model).total(model, batch)     # Σ token loss · scale, to be added over the batches

The tokens are counted over everything that one optimizer step sees, each branch by its own, so that
the batches' losses add up to those of one big batch, and so do the gradients. Padding has no part in it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Iterator

from dstill_finetune.collate import IGNORED
from dstill_finetune.cross_entropy import cross_entropy
from dstill_finetune.model_loading import is_encoder_decoder

if TYPE_CHECKING:
    import torch

__all__ = ["TokenLosses", "scale", "tokens"]


def tokens(batch: dict[str, Any], branches: int) -> torch.Tensor:
    """(branches,) learnt tokens of each branch, on the CPU. Those without weight only fill a batch."""
    import torch

    learnt = batch["branch"][(batch["labels"] != IGNORED) & (batch["weight"] > 0)].cpu()
    return torch.bincount(learnt, minlength=branches).double()


def scale(batch: dict[str, Any], counts: torch.Tensor) -> None:
    """Each token's factor in the loss takes the place of its branch and weight."""
    branch, weight = batch.pop("branch").cpu(), batch.pop("weight").cpu()
    batch["scale"] = (weight / counts.where(counts > 0, 1.0)[branch]).float()


class TokenLosses:
    """Made once for a model: it hangs on the model's head, and on its encoder."""

    def __init__(self, model: Any) -> None:
        self._keep: torch.Tensor | None = None
        model.get_output_embeddings().register_forward_pre_hook(self._learnt_positions)
        self._once: tuple[torch.Tensor, torch.Tensor] | None = None
        if is_encoder_decoder(model.config):
            encoder = model.get_encoder()
            encoder.register_forward_pre_hook(self._distinct, with_kwargs=True)
            encoder.register_forward_hook(self._repeated)

    def total(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        """The batch's part of the loss. `scale` comes first."""
        factor = batch.pop("scale")
        losses, keep = self(model, batch)
        summed: torch.Tensor = (losses * factor[keep]).sum()
        return summed

    def __call__(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses of the learnt tokens, and the mask over ``labels`` that says which those are."""
        labels = batch.pop("labels")
        keep = labels != IGNORED
        once = (batch.pop("distinct"), batch.pop("place")) if "distinct" in batch else None
        with self._only(keep, once):
            logits = model(**batch, use_cache=False).logits
        if logits.dim() == 3:  # an architecture that passes its head by
            logits = logits[keep]
        return cross_entropy(logits, labels[keep]), keep

    @contextlib.contextmanager
    def _only(self, keep: torch.Tensor, once: tuple[torch.Tensor, torch.Tensor] | None) -> Iterator[None]:
        self._keep, self._once = keep, once
        try:
            yield
        finally:
            self._keep = self._once = None

    def _learnt_positions(self, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return None if self._keep is None else (inputs[0][self._keep], *inputs[1:])

    def _distinct(self, module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Of rows with the same source the encoder sees one."""
        if self._once is None:
            return None
        rows = self._once[0]
        return tuple(_picked(value, rows) for value in inputs), {k: _picked(v, rows) for k, v in named.items()}

    def _repeated(self, module: Any, inputs: Any, output: Any) -> Any:
        if self._once is None:
            return None
        output["last_hidden_state"] = output["last_hidden_state"][self._once[1]]
        return output


def _picked(value: Any, rows: torch.Tensor) -> Any:
    import torch

    return value[rows] if isinstance(value, torch.Tensor) else value
