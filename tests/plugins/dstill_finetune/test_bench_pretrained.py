"""`make bench-pretrained`: its code runs at a tiny size, and the table has every figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import pretrained


def test_without_weights_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.pretrained.GEMMA", "not_installed_anywhere")
    assert pretrained.main([]) == 0
    assert capsys.readouterr().out.startswith("nothing was measured: the dependency group 'weights'")


@pytest.mark.nightly
def test_runs_at_a_tiny_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pretrained.main(["--tiny", "--items", "2"]) == 0
    found = json.loads((tmp_path / "build" / "bench-pretrained.json").read_text())
    assert found["preset"]["name"] == "chat decoder"
    assert found["preset"]["used"]["prompt"] == "chat"
    assert found["steps"] == 2
    assert found["scores"].keys() == set(pretrained.SPLITS)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")]
    assert len(rows) == len(pretrained.SPLITS) * len(pretrained.SYSTEMS)
    assert "| `test`, before | 2 | 0 % |" in rows[0]
