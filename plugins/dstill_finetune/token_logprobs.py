"""Records the log-probability of each token that `generate` of transformers chooses.

    logprobs = TokenLogprobs()
    out = model.generate(**inputs, logits_processor=[logprobs, …])
    logprobs.of(out)   →  [[-0.01, -0.3, …], …], a row for each answer, as long as the longest one

The scores of all steps (``output_logits``) would need memory for the whole vocabulary at every step. This keeps those
of one step. As the first processor it sees scores before a grammar or a temperature changes them.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TokenLogprobs"]


class TokenLogprobs:
    """A logits processor for one call of ``generate`` that changes nothing."""

    def __init__(self) -> None:
        self._last: Any = None  # log-probabilities of the step whose token is not known yet, [rows, vocabulary]
        self._chosen: list[Any] = []  # [rows, 1] of each earlier step

    def __call__(self, ids: Any, scores: Any) -> Any:
        """The scores of the next token, unchanged.

        Args:
            ids: The tokens so far, ``[rows, tokens]``.
            scores: The scores of the next token, ``[rows, vocabulary]``.
        """
        self._choose(ids)
        self._last = scores.float().log_softmax(-1)
        return scores

    def _choose(self, ids: Any) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(1, ids[:, -1:]))

    def of(self, out: Any) -> list[list[float]]:
        """The log-probabilities of the new tokens of each row of `out`, which ``generate`` returned."""
        import torch

        self._choose(out)
        self._last = None
        rows: list[list[float]] = torch.cat(self._chosen, dim=1).tolist()
        return rows
