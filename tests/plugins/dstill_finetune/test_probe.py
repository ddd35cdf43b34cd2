"""The probe of the largest batch: it reports memory, stops a training that does not fit, and has no side effects."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import CPU, SMALL, fit, hf_student, losses, records

from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Recipe
from dstill_finetune.loss import TransformersLosses
from dstill_finetune.tiny import Tiny
from dstill_torch.cross_entropy import cross_entropy
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.oom import OutOfMemory
from dstill_torch.peak_memory import PeakMemory

pytestmark = pytest.mark.slow


class Modest(Full):
    """Claims to need one mebibyte."""

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return Memory(parts={"all": 2**20})


@pytest.mark.parametrize(
    ("kind", "modality", "accumulation"),
    [("tiny", Full(), 1), ("t5", Full(), 2), ("llama", Lora(), 1), ("llama", Qlora(), 2)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_probe_does_not_change_the_loss_curve(
    kind: str, modality: Modality, accumulation: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def curve(probe: bool) -> list[float]:
        student: Any = Tiny(SMALL) if kind == "tiny" else hf_student(request.getfixturevalue(kind))
        changes: dict[str, Any] = {"lora_dropout": 0.1, "gradient_accumulation_steps": accumulation}
        fitted = fit(student, modality, tmp_path / str(probe), test_largest_batch=probe, **changes)
        assert set(fitted.probe) == ({"predicted", "measured", "error"} if probe else set())
        return losses(fitted)

    tried, plain = curve(True), curve(False)
    assert len(plain) == 6
    assert tried == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("modality", [Full(), Lora()], ids=lambda modality: modality.name)
def test_probe_runs_in_the_precision_of_the_steps(
    modality: Modality, precision: str, t5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accelerate turns autocast on when training begins: a probe without it takes more than a step in bf16."""
    import torch

    seen: list[tuple[Any, ...]] = []  # of each forward pass: autocast and what the head reads, and the output

    def head(losses: Any, module: Any, inputs: Any) -> Any:
        seen.append((torch.is_autocast_enabled("cpu"), inputs[0].dtype))
        return learnt(losses, module, inputs)

    def output(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen[-1] = (*seen[-1], logits.dtype)
        return cross_entropy(logits, labels)

    learnt = TransformersLosses._labelled_positions
    monkeypatch.setattr(TransformersLosses, "_labelled_positions", head)
    monkeypatch.setattr("dstill_torch.cross_entropy.cross_entropy", output)
    with_bf16 = replace(CPU, bf16=True)
    fit(hf_student(t5), modality, tmp_path, device=with_bf16, precision=precision, max_steps=2)
    probed, *steps = seen
    assert steps == [probed, probed]
    assert probed[0] is (precision == "bf16")


def test_exceeding_the_plan_stops_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PeakMemory, "latest", 2**30)
    steps: list[int] = []
    with pytest.raises(OutOfMemory) as caught:
        fit(Tiny(SMALL), Modest(), tmp_path, job={"on_step": lambda step, *_: steps.append(step)})
    assert caught.value.exit_code == 10
    assert caught.value.what.startswith("the longest batch needs 1.0 GiB")
    assert "nothing was trained yet" in caught.value.where
    order = ["per_device_train_batch_size 4", "gradient_checkpointing", "max_length below", "full > lora > qlora"]
    places = [caught.value.hint.index(word) for word in order]
    assert places == sorted(places)
    assert not steps


@pytest.mark.parametrize("measured", [2**20 + 2**18, 200 * 2**20])
def test_slightly_exceeding_the_plan_is_accepted(
    measured: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries reserve memory that a plan cannot know."""
    monkeypatch.setattr(PeakMemory, "latest", measured)
    fitted = fit(Tiny(SMALL), Modest(), tmp_path, max_steps=1)
    assert fitted.probe["measured"] == measured
    assert fitted.steps == 1


@pytest.mark.parametrize("measured", [0, -(2**20)])
def test_step_without_new_memory_has_no_error(measured: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PeakMemory, "latest", measured)
    fitted = fit(Tiny(SMALL), Modest(), tmp_path, max_steps=1)
    assert set(fitted.probe) == {"predicted"}


MEASURED = """
import torch
from dstill_torch.peak_memory import PeakMemory

with PeakMemory("cpu") as peak:
    held = torch.ones(2**26)
    whole = peak.bytes
    del held
    peak.lap()
    assert peak.latest < 2**27, peak.latest
    assert peak.bytes >= whole >= 2**27, (peak.bytes, whole)
"""


@pytest.mark.slow
def test_peak_memory_tracks_laps_and_the_overall_peak() -> None:
    """In a process of its own: others give memory back while it measures."""
    subprocess.run([sys.executable, "-c", MEASURED], check=True, timeout=120)


def test_plan_of_tiny_without_a_tokenizer_matches_the_probe(tmp_path: Path) -> None:
    lengths: dict[str, Any] = {"max_length": 1024, "max_target_length": 512}
    student, recipe = Tiny(SMALL), Recipe(per_device_train_batch_size=8, precision="fp32", **lengths)
    batch = student.largest_batch(records(), recipe)
    assert batch is not None
    assert max(batch.source_shape[1], batch.target_shape[1]) < 48  # of the rows, not of the recipe
    planned = Full().memory_required(replace(student.spec(), batch=batch), recipe).total
    assert fit(student, Full(), tmp_path, max_steps=1, **lengths).probe["predicted"] == planned
