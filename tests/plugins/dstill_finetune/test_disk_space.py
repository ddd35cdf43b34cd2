"""Too little disk space is detected before the first step, and the estimate is accurate."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.finetuned import fit

from dstill.api.modality import Modality
from dstill.errors import DiskError
from dstill_finetune.tiny import Tiny, TinyConfig
from dstill_torch import disk_space, training
from dstill_torch.modalities import Full, Lora

pytestmark = pytest.mark.slow

SMALL = TinyConfig(d_model=64, d_ff=128, num_heads=2, num_layers=1, num_decoder_layers=1, vocabulary=320)


def size(folder: Path, *names: str) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.name in names)


@pytest.mark.parametrize("modality", [Full(), Lora()], ids=lambda m: m.name)
def test_estimate_matches_the_bytes_written(
    modality: Modality, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    needed = disk_space.needed
    monkeypatch.setattr(disk_space, "needed", lambda *a, **k: asked.append(needed(*a, **k)) or asked[-1])
    kept = tmp_path / "checkpoints"
    fit(Tiny(SMALL), modality, tmp_path / "student", job={"checkpoints": kept}, save_steps=1, r=64)
    names = ("model.safetensors", "adapter_model.safetensors")
    student = sum(
        (tmp_path / "student" / name).stat().st_size for name in names if (tmp_path / "student" / name).exists()
    )
    checkpoints = size(kept, *names, "optimizer.pt")
    assert len(list(kept.glob("checkpoint-*"))) == 2
    assert asked == [pytest.approx(student + checkpoints * 3 / 2, rel=0.1)]


def test_training_without_disk_space_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses before the first step, and leaves nothing of the training behind."""
    monkeypatch.setattr(training, "StepTrainer", lambda *a, **k: pytest.fail("a step was made"))
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(DiskError) as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "student", job={"checkpoints": tmp_path / "checkpoints"})
    assert caught.value.exit_code == 11
    assert caught.value.what == "not enough disk space for this training: it writes up to 5 MiB, 1 MiB are free"
    assert "train.save_total_limit" in caught.value.hint
    assert not (tmp_path / "checkpoints").exists()


def test_existing_checkpoints_reduce_the_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(SimpleNamespace):
        def parameters(self) -> list[Any]:
            import torch

            return [torch.nn.Parameter(torch.zeros(1 << 18))]  # 1 MiB

    from dstill.api.recipe import Recipe

    need = disk_space.needed(Model(), Recipe(), checkpoints=True)
    assert need == (1 + 3 * (1 + 2)) << 20
    kept = tmp_path / "checkpoints"
    kept.mkdir()
    (kept / "optimizer.pt").write_bytes(bytes(6 << 20))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4 << 20))
    disk_space.require(Model(), Recipe(), student=tmp_path / "student", checkpoints=kept)
    (kept / "optimizer.pt").unlink()
    with pytest.raises(DiskError):
        disk_space.require(Model(), Recipe(), student=tmp_path / "student", checkpoints=kept)
