"""Latency, tokens and size, from predictions with known values."""

from __future__ import annotations

from pathlib import Path

from dstill.api.records import Prediction
from dstill.pipeline.efficiency import Percentiles, measured_efficiency


def test_measures_percentiles_disk_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "weights").write_bytes(b"x" * 700)
    (tmp_path / "config.json").write_bytes(b"x" * 300)
    predictions = [Prediction(id=str(n), text="", seconds=n / 100, tokens=n) for n in range(1, 101)]
    found = measured_efficiency(predictions, tmp_path, 12)
    assert found.seconds == Percentiles(p50=0.505, p95=0.9595)
    assert (found.tokens, found.total_tokens) == (Percentiles(p50=50, p95=96), 5050)
    assert (found.disk_bytes, found.parameters) == (1000, 12)


def test_unmeasured_values_are_none(tmp_path: Path) -> None:
    found = measured_efficiency([Prediction(id="1", text="")], tmp_path / "none", None)
    assert found.seconds == Percentiles(p50=None, p95=None)
    assert (found.tokens, found.total_tokens) == (Percentiles(p50=None, p95=None), None)
    assert (found.disk_bytes, found.parameters) == (None, None)
