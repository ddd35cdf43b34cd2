"""Generates answers with transformers, using only the settings in the exported files.

    PlainGenerator(model, encoder, threads=1).generate([ModelInput(text="predict: …", example=…)])

When a run loads its student, it sets the end token and the limits. Here they come from the exported files, so that the
parity check notices if one is missing there.
"""

from __future__ import annotations

from dstill_finetune.generation import ModelGenerator

__all__ = ["PlainGenerator"]


class PlainGenerator(ModelGenerator):
    """A generator that stops where the model's own generation settings say."""

    def end(self, ids: list[int]) -> int | None:
        """The position of the first end token in `ids`; None if the limit was reached."""
        configured = self.model.generation_config.eos_token_id
        ends = {configured} if isinstance(configured, int) else set(configured or ())
        return next((at for at, token in enumerate(ids) if token in ends), None)
