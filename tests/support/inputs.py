"""What students read, for tests that are about text.

inputs("predict: all red cars")   →  [ModelInput(text="predict: all red cars", example=Example(…))]
"""

from __future__ import annotations

from dstill.api.records import Example, ModelInput

__all__ = ["inputs"]


def inputs(*texts: str) -> list[ModelInput]:
    return [ModelInput(text=text, example=Example(id=str(n), question=text)) for n, text in enumerate(texts)]
