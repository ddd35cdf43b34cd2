"""Answers by transformers with the settings that lie in the exported files, and with no others.

    PlainWriter(model, encoder, threads=1).generate(["predict: how many requests failed"])

A student of a run is given its end token and its limits when it is loaded; here they are the files' own, so that a
file which lacks one of them shows.
"""

from __future__ import annotations

from dstill_finetune.generation import ModelGenerator

__all__ = ["PlainWriter"]


class PlainWriter(ModelGenerator):
    def end(self, ids: list[int]) -> int | None:
        """Where `generate` itself stops; None: at the limit."""
        named = self.model.generation_config.eos_token_id
        ends = {named} if isinstance(named, int) else set(named or ())
        return next((at for at, token in enumerate(ids) if token in ends), None)
