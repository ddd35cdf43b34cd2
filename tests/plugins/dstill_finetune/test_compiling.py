"""torch.compile gives the same losses, and a missing compiler is a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.finetuned import SMALL, fit
from support.inputs import inputs

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError
from dstill_finetune.tiny import Tiny
from dstill_torch import training
from dstill_torch.modalities import Full
from dstill_torch.settings import compiling


@pytest.fixture
def compiled_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile without inductor, which would need a C++ compiler and minutes."""
    before = training._options

    def options(recipe: Recipe, *arguments: Any, **named: Any) -> dict[str, Any]:
        found = before(recipe, *arguments, **named)  # a backend alone would already ask for torch.compile
        return {**found, "torch_compile_backend": "aot_eager"} if recipe.torch_compile else found

    monkeypatch.setattr(training, "_options", options)


@pytest.mark.nightly
@pytest.mark.usefixtures("compiled_options")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch's own about itself
def test_compiled_model_learns_the_same(tmp_path: Path) -> None:
    from torch._dynamo.utils import counters

    def losses(**changes: Any) -> list[float]:
        fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", max_steps=2, **changes)
        return [row["loss"] for row in fitted.history]

    counters.clear()
    plain = losses()
    assert not counters["stats"]["unique_graphs"]
    assert losses(torch_compile=True) == pytest.approx(plain, rel=1e-5)
    assert counters["stats"]["unique_graphs"] > 0
    assert (tmp_path / "student" / "model.safetensors").exists()
    assert list(Tiny(SMALL).load(tmp_path / "student").generate(inputs("predict: all red cars")))


def test_missing_compiler_has_a_hint() -> None:
    from torch._inductor.exc import InvalidCxxCompiler

    with pytest.raises(TrainingError) as caught, compiling(Recipe(torch_compile=True)):
        raise InvalidCxxCompiler
    assert caught.value.what.startswith("the model cannot be compiled: No working C++ compiler found")
    assert caught.value.exit_code == 10
    assert "or set it to false" in caught.value.hint
    with pytest.raises(RuntimeError, match="another"), compiling(Recipe(torch_compile=True)):
        raise RuntimeError("another")
