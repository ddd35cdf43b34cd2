"""Reports of a running training: TensorBoard, transformers' reporters, progress and facts."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import SMALL, fit, records

from dstill.errors import Interrupted, MissingExtra, UsageError
from dstill_finetune.tiny import Tiny
from dstill_torch import reporting
from dstill_torch.modalities import Full

pytestmark = pytest.mark.slow


def scalars(events: Path) -> dict[str, dict[int, float]]:
    """Name → step → value, as TensorBoard's own reader has them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(events))
    read.Reload()
    return {name: {found.step: found.value for found in read.Scalars(name)} for name in read.Tags()["scalars"]}


def test_tensorboard_has_the_history(tmp_path: Path) -> None:
    events = tmp_path / "events"
    fitted = fit(
        Tiny(SMALL), Full(), tmp_path / "student", validation=records()[:4], job={"events": events}, eval_steps=2
    )
    found = scalars(events)
    losses = {row["step"]: row["loss"] for row in fitted.history if "loss" in row}
    assert found["train/loss"] == pytest.approx(losses)
    assert found["eval/loss"] == pytest.approx({r["step"]: r["eval_loss"] for r in fitted.history if "eval_loss" in r})
    assert {"train/learning_rate", "train/grad_norm"} <= found.keys()


def test_resumed_training_continues_the_curve_and_a_new_one_starts_over(tmp_path: Path) -> None:
    events = tmp_path / "events"
    job = {"events": events, "checkpoints": tmp_path / "checkpoints"}

    def interrupt_at_step_5(step: int, steps: int, values: Mapping[str, float]) -> None:
        if step == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        fit(Tiny(SMALL), Full(), tmp_path / "student", job={**job, "on_step": interrupt_at_step_5}, max_steps=12)
    fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, max_steps=12)
    losses = {row["step"]: row["loss"] for row in fitted.history if "loss" in row}
    assert sorted(losses) == list(range(1, 13))
    assert scalars(events)["train/loss"] == pytest.approx(losses)
    fit(Tiny(SMALL), Full(), tmp_path / "student", job={"events": events}, max_steps=2)
    assert sorted(scalars(events)["train/loss"]) == [1, 2]


def test_missing_tensorboard_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers.integrations import integration_utils

    monkeypatch.setattr(integration_utils, "is_tensorboard_available", lambda: False)
    with caplog.at_level(logging.WARNING):
        fit(Tiny(SMALL), Full(), tmp_path / "student", job={"events": tmp_path / "events"}, max_steps=1)
    assert caplog.messages == [
        "no curves for TensorBoard: pip install 'dstill[tensorboard]', or train.report_to = none"
    ]
    assert not (tmp_path / "events").exists()
    with pytest.raises(MissingExtra, match="needs the extra 'tensorboard'"):
        reporting.required("tensorboard")


def test_report_to_none_writes_no_events(tmp_path: Path) -> None:
    job = {"events": tmp_path / "events"}
    fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, max_steps=1, report_to="none")
    assert not (tmp_path / "events").exists()


def test_unknown_reporter_is_refused_before_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tiny, "start", lambda *_: pytest.fail("the tokenizer was asked for"))
    with pytest.raises(UsageError) as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "student", job={"events": tmp_path / "e"}, report_to="mlflo")
    assert caught.value.what == "transformers cannot report to 'mlflo'. Did you mean 'mlflow'?"
    assert caught.value.where == "train.report_to"
    assert "tensorboard" in caught.value.hint


def test_missing_reporter_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot report to comet_ml: .*comet") as caught:
        reporting.required("tensorboard, comet_ml")
    assert caught.value.where == "train.report_to = comet_ml"


def test_other_reporters_are_those_of_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import TrainerCallback
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    told: list[float] = []

    class LossRecorder(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            told.extend(value for name, value in logs.items() if name == "loss")

    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "diary", LossRecorder)
    job = {"events": tmp_path / "events"}
    fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, max_steps=3, report_to="diary,tensorboard")
    assert told == pytest.approx([row["loss"] for row in fitted.history])
    assert sorted(scalars(tmp_path / "events")["train/loss"]) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow with the newest SQLAlchemy
def test_result_names_the_runs_of_mlflow_and_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    wandb.teardown()  # it keeps the settings of an earlier test
    for name, value in {"MODE": "offline", "DIR": str(tmp_path), "ERROR_REPORTING": "false", "SILENT": "true"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    job = {"events": tmp_path / "events"}
    fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, max_steps=3, report_to="mlflow,wandb")
    losses = MlflowClient().get_metric_history(fitted.services["mlflow"], "loss")
    assert {one.step: one.value for one in losses} == pytest.approx({r["step"]: r["loss"] for r in fitted.history})
    assert len(list(tmp_path.glob(f"wandb/offline-run-*/run-{fitted.services['wandb']}.wandb"))) == 1
    assert wandb.run is None


def test_every_step_reports_rows_per_second(tmp_path: Path) -> None:
    told: list[tuple[int, Mapping[str, float]]] = []
    job = {"on_step": lambda step, steps, values: told.append((step, values))}
    fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, max_steps=200, per_device_train_batch_size=1)
    assert len(fitted.history) == 100  # steps // 100 = every second one is logged
    assert [step for step, _ in told] == list(range(1, 201))  # and each is reported
    assert all(values["rows_per_second"] > 0 for _, values in told)
    assert [values["loss"] for step, values in told if step % 2 == 0] == [row["loss"] for row in fitted.history]
    assert told[2][1]["loss"] == fitted.history[0]["loss"]


def test_tokens_are_counted_without_padding(tmp_path: Path) -> None:
    fitted = fit(Tiny(SMALL), Full(), tmp_path / "student", num_train_epochs=2.0, max_steps=-1)
    student = Tiny(SMALL).load(tmp_path / "student")
    encoder = student.encoder  # type: ignore[attr-defined]
    once = encoder.encode(records()).records
    # of a target each token is either given to go on from or, the last one, only written
    expected = sum(len(row.source) + len(row.target) - 1 for record in once for row in record)
    assert fitted.tokens_seen == 2 * expected
    assert fitted.rows_per_second == pytest.approx(96 / fitted.seconds, rel=0.01)
