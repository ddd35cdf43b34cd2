"""Shares one prompt between all branches of a record.

    prompt ──┬── predict: answer          positions   0 … p−1 │ p … │ p …
             └── explain: rationale       segments    0       │ 1   │ 2

Prompt and branches are in one row. Each branch attends to the prompt and to itself, not to the other branch, and its
positions continue after the prompt. So a branch has the same logits as in its own sequence. Sliding windows are
measured in those positions.

The encoder of an encoder–decoder reads the prompt, so its decoder's row has only the branches. This works for decoders
with relative positions (T5's), because they take no position ids.

`sharing` inspects a model and tries it out. It returns None if the model's attention cannot be masked like this
(recurrent layers, positions that the model computes itself, flash attention).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstill_finetune.model_loading import is_encoder_decoder

if TYPE_CHECKING:
    import torch

__all__ = ["PADDING", "Sharing", "layout", "sharing"]

PADDING = -1  # the segment of padding
KERNELS = ("sdpa", "eager")  # attention kernels that take a mask over pairs of tokens
KINDS = ("full_attention", "sliding_attention")
PROMPT, BRANCHES = list(range(2, 8)), ([9, 3, 5], [4, 9, 2, 6])  # token ids that a model is tried with
TOLERANCE = 0.02  # of the largest logit, for a shared prompt against separate sequences, in any precision


@dataclass(frozen=True)
class Sharing:
    """The attention masks with which a model shares a prompt."""

    windows: Mapping[str, int | None]  # kind of layer → tokens in its sliding window; None: no window
    additive: bool  # whether the kernel adds the mask to its scores

    def mask(self, positions: torch.Tensor, segments: torch.Tensor) -> Any:
        """The ``attention_mask`` for the model's forward pass: ``[rows, 1, L, L]``, by kind of layer if there are two.

        Args:
            positions: ``[rows, L]``, as `layout` gives them.
            segments: ``[rows, L]``: 0 is the prompt, 1, 2, … its branches, PADDING the rest.
        """
        masks = {kind: self._mask(positions, segments, window) for kind, window in self.windows.items()}
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _mask(self, positions: torch.Tensor, segments: torch.Tensor, window: int | None) -> torch.Tensor:
        import torch

        query, key = segments[:, :, None], segments[:, None, :]
        length, device = segments.shape[1], segments.device
        sees = torch.ones(length, length, dtype=torch.bool, device=device).tril() & ((key == 0) | (key == query))
        if window is not None:
            sees &= positions[:, :, None] - positions[:, None, :] < window
        sees &= key != PADDING
        sees |= torch.eye(length, dtype=torch.bool, device=device)  # the softmax of padding rows must not be empty
        sees = sees[:, None]
        return torch.where(sees, 0.0, torch.finfo(torch.float32).min) if self.additive else sees


def layout(prompt: int, branches: Sequence[int]) -> tuple[list[int], list[int]]:
    """Positions and segments of a row with a prompt of `prompt` tokens and branches of these lengths."""
    positions, segments = list(range(prompt)), [0] * prompt
    for number, length in enumerate(branches, 1):
        positions += range(prompt, prompt + length)
        segments += [number] * length
    return positions, segments


def sharing(model: Any) -> Sharing | None:
    """How `model` shares a prompt; None if it cannot."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = sorted(set(getattr(config, "layer_types", None) or [KINDS[window is not None]]))
    if config._attn_implementation not in KERNELS or not set(kinds) <= set(KINDS):
        return None
    windows = {kind: window if kind == "sliding_attention" else None for kind in kinds}
    candidate = Sharing(windows, additive=config._attn_implementation == "eager")
    return candidate if _agrees(model, candidate) else None


def _agrees(model: Any, candidate: Sharing) -> bool:
    """Whether a prompt with two branches has the logits of two separate sequences in this model."""
    import torch

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            shared, apart = (_encoder_decoder if is_encoder_decoder(model.config) else _decoder)(model, candidate)
    except (TypeError, ValueError, RuntimeError, KeyError):  # it does not take positions or such a mask
        return False
    finally:
        model.train(was_training)
    return bool((shared - apart).abs().max() <= TOLERANCE * apart.abs().max())


def _decoder(model: Any, candidate: Sharing) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a decoder's branches ``[tokens, vocabulary]``, with a shared prompt and in separate sequences."""
    import torch

    def logits(ids: list[int], **inputs: Any) -> torch.Tensor:
        out: torch.Tensor = model(input_ids=_row(model, ids), use_cache=False, **inputs).logits[0]
        return out[len(PROMPT) :].float()

    positions, segments = (_row(model, ids) for ids in layout(len(PROMPT), list(map(len, BRANCHES))))
    shared = logits(
        [*PROMPT, *BRANCHES[0], *BRANCHES[1]],
        attention_mask=candidate.mask(positions, segments),
        position_ids=positions,
    )
    return shared, torch.cat([logits(PROMPT + branch) for branch in BRANCHES])


def _encoder_decoder(model: Any, candidate: Sharing) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of an encoder–decoder's branches ``[tokens, vocabulary]``, in one row and in separate rows."""
    import torch

    def logits(ids: list[int], **inputs: Any) -> torch.Tensor:
        source = _row(model, PROMPT)
        out: torch.Tensor = model(
            input_ids=source, decoder_input_ids=_row(model, ids), use_cache=False, **inputs
        ).logits
        return out[0].float()

    positions, segments = (_row(model, ids) for ids in layout(0, list(map(len, BRANCHES))))
    shared = logits([*BRANCHES[0], *BRANCHES[1]], decoder_attention_mask=candidate.mask(positions, segments))
    return shared, torch.cat([logits(branch) for branch in BRANCHES])


def _row(model: Any, ids: list[int]) -> torch.Tensor:
    import torch

    return torch.tensor([ids], device=model.device)
