"""The token losses of a model of transformers: the head runs only at labelled positions, the encoder once per source.

TransformersLosses(model)(model, batch)     # the loss of every labelled token of a batch of `Collator`, and their mask
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dstill_finetune.model_loading import is_encoder_decoder
from dstill_torch.batches import IGNORED_LABEL
from dstill_torch.loss import TokenLosses

if TYPE_CHECKING:
    import torch

__all__ = ["TransformersLosses"]


class TransformersLosses(TokenLosses):
    """Computes token losses by hooks on a model's head and encoder; create it once per model."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._labelled: torch.Tensor | None = None
        model.get_output_embeddings().register_forward_pre_hook(self._labelled_positions)
        self._distinct_sources: tuple[torch.Tensor, torch.Tensor] | None = None  # `distinct`, `place` of the batch
        if is_encoder_decoder(model.config):
            encoder = model.get_encoder()
            encoder.register_forward_pre_hook(self._select_sources, with_kwargs=True)
            encoder.register_forward_hook(self._repeat_sources)

    def __call__(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        from dstill_torch.cross_entropy import cross_entropy

        labels = batch.pop("labels")
        labelled = labels != IGNORED_LABEL
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
