"""The facts that dstill knows of this plugin"s parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["CONVERTED"]

CONVERTED = declare(
    "ctranslate2",
    "dstill_export.converted_student:ConvertedStudent",
    distributions=("ctranslate2", "tokenizers"),
)
