"""The facts that dstill knows of this plugin"s parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["BASE", "LINKED"]

_DISTRIBUTIONS = ("torch", "transformers", "accelerate", "safetensors", "numpy")
LINKED = declare("linked", "dstill_linked.student:LinkedStudent", distributions=_DISTRIBUTIONS)
BASE = declare("base", "dstill_linked.student:BaseStudent", distributions=_DISTRIBUTIONS)
