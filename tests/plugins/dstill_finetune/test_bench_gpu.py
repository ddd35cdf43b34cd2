"""`make bench-gpu` without a GPU: it reports that, and its code runs at a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import gpu
from benchmarks.references import BATCH

from dstill.api.modality import Batch, Memory, ModelSpec
from dstill.api.recipe import Recipe
from dstill_finetune.collate import Collator
from dstill_torch.modalities import Full

COMMAND = [sys.executable, "-m", "benchmarks.gpu"]


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=root, capture_output=True, text=True, timeout=600, check=False)


def test_reports_a_missing_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    monkeypatch.setattr(sys, "argv", COMMAND[2:])
    assert gpu.main() == 0
    out = capsys.readouterr().out
    assert out.startswith("no GPU: nothing was measured.")
    assert "make bench-gpu STUDENT=" in out


def test_planned_batch_is_the_largest_of_the_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[Batch | None] = []
    seen: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def need(modality: Full, student: ModelSpec, recipe: Recipe) -> Memory:
        planned.append(student.batch)
        return Memory(parts={})

    def collate(collator: Collator, records: Any) -> dict[str, Any]:
        batch = collated(collator, records)
        seen.append((tuple(batch["input_ids"].shape), tuple(batch["decoder_input_ids"].shape)))
        return batch

    collated = Collator.__call__
    monkeypatch.setattr(Full, "memory_required", need)
    monkeypatch.setattr(Collator, "__call__", collate)
    gpu._base(str(tmp_path), tiny=True)
    gpu.row("full", str(tmp_path), tiny=True)
    (batch,) = planned
    assert batch is not None
    trained = seen[1:]  # the first one is for the plan
    assert (batch.source_shape, batch.target_shape) == max(trained)
    assert batch.source_shape[0] == 2 * BATCH


@pytest.mark.nightly
def test_benchmark_runs_on_a_cpu_at_tiny_size(root: Path) -> None:
    ended = _run(root, "--tiny")
    assert ended.returncode == 0, ended.stderr
    found = json.loads((root / "build" / "bench-gpu.json").read_text())
    assert found["tiny"] is True
    assert [figure["name"].split()[1] for figure in found["figures"]] == [
        "paper",
        "once",
        "once-bf16",
        "shared",
        "shared",
    ]
    assert [row["modality"] for row in found["modalities"]] == ["full", "lora", "qlora"]
    assert all(row["plan"] > 0 and row["peak"] > 0 and row["rows_per_second"] > 0 for row in found["modalities"])
