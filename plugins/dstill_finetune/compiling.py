"""torch.compile, where it cannot be had: said to a person, with what helps.

with compiling(recipe):
    trainer.train()        # → TrainingError: the model cannot be compiled: No working C++ compiler found …
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError

__all__ = ["compiling"]

COMPILER = ("torch._dynamo", "torch._inductor")


@contextmanager
def compiling(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not recipe.torch_compile or not type(error).__module__.startswith(COMPILER):
            raise
        raise TrainingError(
            f"the model cannot be compiled: {str(error).strip().splitlines()[0]}",
            where="train.torch_compile = true",
            hint="on a CPU it takes a C++ compiler (g++ or clang), on a GPU Triton; or set it to false",
        ) from error
