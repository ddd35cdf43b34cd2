"""One prompt for all branches of a record.

    prompt ──┬── predict: answer          positions   0 … p−1 │ p … │ p …
             └── explain: rationale       segments    0       │ 1   │ 2

Prompt and branches lie in one row. Each branch sees the prompt and itself, never the other
one, and its positions go on where the prompt ends: what is computed for a branch is what a
sequence of its own would give. Layers with a sliding window count it in those positions.

An encoder–decoder has read the prompt: its decoder's row holds the branches alone. That is for decoders whose
attention knows distances only (T5's), since they cannot be given positions.

`sharing` looks at a model and tries it: None where attention cannot be told what to see
(recurrent layers, positions that the model makes itself, flash attention).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from dstill_finetune.model_loading import is_encoder_decoder

if TYPE_CHECKING:
    import torch

__all__ = ["PADDING", "Sharing", "layout", "sharing"]

PADDING = -1  # segment of what is no token
KERNELS = ("sdpa", "eager")  # those that take a mask over pairs of tokens
KINDS = ("full_attention", "sliding_attention")
PROMPT, BRANCHES = list(range(2, 8)), ([9, 3, 5], [4, 9, 2, 6])  # what a model is tried with
AGREES = 0.02  # of the largest logit: a shared prompt against sequences of their own, in any precision


@dataclass(frozen=True)
class Sharing:
    """How a model's layers are told what each token sees."""

    windows: Mapping[str, int | None]  # kind of layer → how many tokens it sees back; None: all
    additive: bool  # the kernel adds the mask to its scores

    def mask(self, positions: torch.Tensor, segments: torch.Tensor) -> Any:
        """What ``attention_mask`` of the model's forward takes: (rows, 1, L, L), of each kind where there are two."""
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
        sees |= torch.eye(length, dtype=torch.bool, device=device)  # a row of a softmax must not be empty
        sees = sees[:, None]
        return torch.where(sees, 0.0, torch.finfo(torch.float32).min) if self.additive else sees


def layout(prompt: int, branches: Sequence[int]) -> tuple[list[int], list[int]]:
    """Positions and segments of a row: a prompt of so many tokens, and its branches."""
    positions, segments = list(range(prompt)), [0] * prompt
    for number, length in enumerate(branches, 1):
        positions += range(prompt, prompt + length)
        segments += [number] * length
    return positions, segments


def sharing(model: Any) -> Sharing | None:
    """How `model` shares a prompt, or None where it cannot."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = sorted(set(getattr(config, "layer_types", None) or [KINDS[window is not None]]))
    if config._attn_implementation not in KERNELS or not set(kinds) <= set(KINDS):
        return None
    windows = {kind: window if kind == "sliding_attention" else None for kind in kinds}
    found = Sharing(windows, additive=config._attn_implementation == "eager")
    return found if _agrees(model, found) else None


def _agrees(model: Any, found: Sharing) -> bool:
    """Whether a prompt with two branches gives the logits of two sequences: tried, not looked up by name."""
    import torch

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            shared, apart = (_written if is_encoder_decoder(model.config) else _continued)(model, found)
    except (TypeError, ValueError, RuntimeError, KeyError):  # it takes no positions, or no such mask
        return False
    finally:
        model.train(was_training)
    return bool((shared - apart).abs().max() <= AGREES * apart.abs().max())


def _continued(model: Any, found: Sharing) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a decoder's branches, after one prompt and each after its own."""
    import torch

    def logits(ids: list[int], **given: Any) -> torch.Tensor:
        out: torch.Tensor = model(input_ids=_row(model, ids), use_cache=False, **given).logits[0]
        return out[len(PROMPT) :].float()

    positions, segments = (_row(model, ids) for ids in layout(len(PROMPT), list(map(len, BRANCHES))))
    shared = logits(
        [*PROMPT, *BRANCHES[0], *BRANCHES[1]], attention_mask=found.mask(positions, segments), position_ids=positions
    )
    return shared, torch.cat([logits(PROMPT + branch) for branch in BRANCHES])


def _written(model: Any, found: Sharing) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of an encoder–decoder's branches, in one row and in rows of their own."""
    import torch

    def logits(ids: list[int], **given: Any) -> torch.Tensor:
        read = _row(model, PROMPT)
        out: torch.Tensor = model(input_ids=read, decoder_input_ids=_row(model, ids), use_cache=False, **given).logits
        return out[0].float()

    positions, segments = (_row(model, ids) for ids in layout(0, list(map(len, BRANCHES))))
    shared = logits([*BRANCHES[0], *BRANCHES[1]], decoder_attention_mask=found.mask(positions, segments))
    return shared, torch.cat([logits(branch) for branch in BRANCHES])


def _row(model: Any, ids: list[int]) -> torch.Tensor:
    import torch

    return torch.tensor([ids], device=model.device)
