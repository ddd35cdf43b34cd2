"""Trainings that are killed, interrupted, fail or stop early, and trainings that resume."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import SMALL, fit, hf_student, records
from support.inputs import inputs

from dstill.api.modality import Modality
from dstill.api.recipe import Recipe
from dstill.api.student import Generator, TrainResult
from dstill.errors import DataError, Interrupted, RunError, TrainingError
from dstill_finetune.tiny import Tiny
from dstill_torch.checkpoints import Checkpoints
from dstill_torch.early_stopping import Best
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.oom import OutOfMemory, explain_oom, halved
from dstill_torch.peak_memory import PeakMemory

# 48 records, batches of 8: two epochs; dropout wherever there is any, and a checkpoint in the middle of each
LONG = {"max_steps": 12, "save_steps": 4, "lora_dropout": 0.1}


class Killed(Exception):
    pass


def _at_step(step: int, action: Callable[[], None]) -> Callable[..., None]:
    def on_step(now: int, steps: int, values: Mapping[str, float]) -> None:
        if now == step:
            action()

    return on_step


def _kill() -> None:
    raise Killed  # the process would end here: nothing after this line of the training runs


def _losses(fitted: TrainResult) -> dict[float, float]:
    return {row["step"]: row["loss"] for row in fitted.history if "loss" in row}


# In the first epoch and in the second; CI tries both with one student, and the others in one each.
RESUMED = [
    pytest.param(kind, modality, killed_at, marks=marks)
    for kind, modality, killed_at, marks in [
        ("tiny", Full(), 5, ()),
        ("tiny", Full(), 10, pytest.mark.slow),
        ("t5", Full(), 5, pytest.mark.nightly),
        ("t5", Full(), 10, pytest.mark.slow),
        ("llama", Full(), 5, pytest.mark.slow),
        ("llama", Full(), 10, pytest.mark.nightly),
        ("llama", Lora(), 5, pytest.mark.nightly),
        ("llama", Lora(), 10, pytest.mark.slow),
        ("t5", Lora(), 5, pytest.mark.slow),
        ("t5", Lora(), 10, pytest.mark.nightly),
        ("llama", Qlora(), 5, pytest.mark.nightly),
        ("llama", Qlora(), 10, pytest.mark.slow),
    ]
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "modality", "killed_at"), RESUMED, ids=lambda value: getattr(value, "name", str(value))
)
def test_loss_curve_of_a_resumed_training_matches_an_uninterrupted_one(
    kind: str, modality: Modality, killed_at: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def student() -> Any:
        return Tiny(SMALL) if kind == "tiny" else hf_student(request.getfixturevalue(kind))

    whole = fit(student(), modality, tmp_path / "whole", job={"checkpoints": tmp_path / "kept"}, **LONG)
    job = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(Killed):
        fit(student(), modality, tmp_path / "half", job={**job, "on_step": _at_step(killed_at, _kill)}, **LONG)
    seen: list[int] = []
    resumed = fit(
        student(), modality, tmp_path / "half", job={**job, "on_step": lambda step, *_: seen.append(step)}, **LONG
    )
    assert seen[0] == killed_at // 4 * 4 + 1  # from the checkpoint on, not from the beginning
    assert resumed.steps == whole.steps == 12
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)
    name = "adapter_model.safetensors" if modality.name != "full" else "model.safetensors"
    assert _same_weights(tmp_path / "half" / name, tmp_path / "whole" / name)


def _same_weights(one: Path, other: Path) -> bool:
    from safetensors.torch import load_file

    mine, theirs = load_file(one), load_file(other)
    return mine.keys() == theirs.keys() and all(mine[n].allclose(theirs[n], rtol=1e-5, atol=1e-7) for n in mine)


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.finetuned import SMALL, fit
from dstill_torch.modalities import Full
from dstill_finetune.tiny import Tiny
def on_step(step, steps, values):
    if step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
fit(Tiny(SMALL), Full(), Path({folder!r}), max_steps=12, save_steps=4, lora_dropout=0.1,
    job={{"checkpoints": Path({checkpoints!r}), "on_step": on_step}})
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """A training of the tiny student that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return fit(Tiny(SMALL), Full(), folder / "student", job={"checkpoints": folder / "checkpoints"}, **LONG)


@pytest.mark.slow
def test_training_resumes_after_sigkill(whole: TrainResult, tmp_path: Path) -> None:
    """The process is killed outright; what it left is resumed by another one, and the curve is the same."""
    checkpoints = tmp_path / "checkpoints"
    script = SCRIPT.format(
        tests=str(Path(__file__).parents[2]), folder=str(tmp_path / "half"), checkpoints=str(checkpoints)
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-500:]
    assert (checkpoints / "checkpoint-4" / "COMPLETE.json").exists()
    resumed = fit(Tiny(SMALL), Full(), tmp_path / "half", job={"checkpoints": checkpoints}, **LONG)
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)


@pytest.fixture(scope="module")
def interrupted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was killed at step 10: `half` and its `checkpoints`."""
    folder = tmp_path_factory.mktemp("interrupted")
    job = {"checkpoints": folder / "checkpoints", "on_step": _at_step(10, _kill)}
    with pytest.raises(Killed):
        fit(Tiny(SMALL), Full(), folder / "half", job=job, **LONG)
    return folder


@pytest.fixture
def interrupted(interrupted_folder: Path, tmp_path: Path) -> Checkpoints:
    """The checkpoints of that training, in a copy that the test may damage."""
    shutil.copytree(interrupted_folder, tmp_path, dirs_exist_ok=True)
    return Checkpoints(tmp_path / "checkpoints")


@pytest.mark.parametrize("damage", ["no mark", "cut", "flipped"])
def test_damaged_checkpoint_is_skipped(damage: str, interrupted: Checkpoints, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = interrupted
    newest = checkpoints.at(8)
    weights = newest / "model.safetensors"
    data = bytearray(weights.read_bytes())
    if damage == "no mark":
        (newest / "COMPLETE.json").unlink()
    elif damage == "cut":
        weights.write_bytes(data[:-1])
    else:
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        found = checkpoints.newest()
    assert found == checkpoints.at(4)
    assert caplog.messages[0].startswith("checkpoint-8 incomplete (")
    assert caplog.messages[0].endswith("); using checkpoint-4")
    assert (checkpoints.folder / "torn-checkpoint-8").is_dir()
    assert not newest.exists()


def test_checkpoints_have_no_pickled_weights_and_are_limited(tmp_path: Path) -> None:
    job = {"checkpoints": tmp_path / "checkpoints"}
    fit(Tiny(SMALL), Full(), tmp_path / "student", job=job, **{**LONG, "save_steps": 2})
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["began.json", "checkpoint-10", "checkpoint-8"]  # the last step's are the student's own
    files = {path.name for path in (tmp_path / "checkpoints" / "checkpoint-10").iterdir()}
    assert "model.safetensors" in files
    assert not files & {"training_args.bin", "pytorch_model.bin"}


def test_changed_configuration_is_refused(interrupted: Checkpoints, tmp_path: Path) -> None:
    job = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(RunError) as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "half", job=job, **{**LONG, "learning_rate": 1e-4})
    assert caught.value.exit_code == 5
    assert "learning_rate 0.003 → 0.0001" in caught.value.what
    assert "--resume-with-changes" in caught.value.hint
    fitted = fit(
        Tiny(SMALL),
        Full(),
        tmp_path / "half",
        job={**job, "resume_with_changes": True},
        **{**LONG, "learning_rate": 1e-4},
    )
    assert fitted.steps == 12
    rates = {row["step"]: row["learning_rate"] for row in fitted.history if "learning_rate" in row}
    assert 0 < rates[12] < rates[9] < 1e-4


@pytest.mark.slow
def test_changed_data_or_shape_is_refused(interrupted: Checkpoints, tmp_path: Path) -> None:
    job: dict[str, Any] = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(RunError, match="data"):
        fit(Tiny(SMALL), Full(), tmp_path / "half", records()[:-1], job=job, **LONG)
    with pytest.raises(RunError, match="modality full → lora") as caught:
        fit(Tiny(SMALL), Lora(), tmp_path / "half", job={**job, "resume_with_changes": True}, **LONG)
    assert "--restart" in caught.value.hint
    job["resume_with_changes"] = True  # the weights of the checkpoint would have other shapes or tokens
    with pytest.raises(RunError, match="parameters") as caught:
        fit(Tiny(replace(SMALL, d_ff=48)), Full(), tmp_path / "half", job=job, **LONG)
    assert "--restart" in caught.value.hint
    others = [tuple(replace(pair, target=pair.target.upper()) for pair in record) for record in records()]
    with pytest.raises(RunError, match="vocabulary") as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "half", others, job=job, **LONG)
    assert "--restart" in caught.value.hint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_a_checkpoint(number: signal.Signals, whole: TrainResult, tmp_path: Path) -> None:
    job = {"checkpoints": tmp_path / "checkpoints"}
    stop = _at_step(7, lambda: signal.raise_signal(number))
    with pytest.raises(Interrupted) as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "half", job={**job, "on_step": stop}, **LONG)
    assert caught.value.what in (
        "stopped at step 7 of 12; checkpoint-7 is kept",
        "stopped at step 8 of 12; checkpoint-8 is kept",
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = fit(Tiny(SMALL), Full(), tmp_path / "half", job=job, **LONG)
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)


@pytest.mark.parametrize("stopped_at", [4, 12])
def test_interrupt_ends_an_evaluation_which_is_made_up_for(stopped_at: int, tmp_path: Path) -> None:
    changes = {**LONG, "eval_steps": 4, "early_stopping": "accuracy", "early_stopping_patience": 9}
    train = partial(fit, Tiny(SMALL), Full(), tmp_path / "student", validation=records()[:4])

    def job(folder: str, score: Callable[[Generator], float]) -> dict[str, Any]:
        return {"checkpoints": tmp_path / folder, "score": score}

    whole = train(job=job("kept", lambda _: 0.5), **changes)
    calls = iter(range(4, 16, 4))

    def endless(_: Generator) -> float:
        if next(calls) == stopped_at:
            signal.raise_signal(signal.SIGINT)
            while True:  # only the signal ends it
                time.sleep(0.01)
        return 0.5

    with pytest.raises(Interrupted, match=rf"stopped at step {stopped_at} of 12; checkpoint-{stopped_at} is kept"):
        train(job=job("checkpoints", endless), **changes)
    resumed = train(job=job("checkpoints", lambda _: 0.5), **changes)

    def evaluated(fitted: TrainResult) -> dict[float, float]:
        return {row["step"]: row["eval_loss"] for row in fitted.history if "eval_loss" in row}

    assert evaluated(resumed) == pytest.approx(evaluated(whole), rel=1e-6)
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)
    assert (resumed.best_step, resumed.steps) == (whole.best_step, whole.steps) == (4, 12)


def test_interrupt_ends_a_step_after_a_micro_batch(tmp_path: Path) -> None:
    """Of a step with many micro-batches, the rest is not computed; the state from before the step is saved."""
    many = {**LONG, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    quiet, interrupting = (
        _AtTenthStep(action) for action in (lambda _: None, lambda _: signal.raise_signal(signal.SIGINT))
    )
    whole = fit(Tiny(SMALL), quiet, tmp_path / "whole", job={"checkpoints": tmp_path / "kept"}, **many)
    job = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(Interrupted, match="stopped at step 2 of 12; checkpoint-2 is kept"):  # of step 3, two are done
        fit(Tiny(SMALL), interrupting, tmp_path / "half", job=job, **many)
    resumed = fit(Tiny(SMALL), quiet, tmp_path / "half", job=job, **many)
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)
    assert _same_weights(tmp_path / "half" / "model.safetensors", tmp_path / "whole" / "model.safetensors")


class _AtTenthStep(Full):
    """Its model applies `action` to its output, or raises, at the tenth step."""

    name = "at"

    def __init__(self, action: Callable[[Any], None]) -> None:
        self.action = action

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        calls = iter(range(100))

        def hook(module: Any, args: Any, output: Any) -> None:
            if module.training and next(calls) == 9:
                self.action(output)

        model.register_forward_hook(hook)
        return super().prepare(model, recipe)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_loss_stops_training(value: float, tmp_path: Path) -> None:
    """It stops before the optimizer spreads the value to every weight, and names the last good checkpoint."""

    def poison(output: Any) -> None:
        output.logits = output.logits * value

    job = {"checkpoints": tmp_path / "kept"}
    with pytest.raises(TrainingError) as caught:
        fit(
            Tiny(SMALL), _AtTenthStep(poison), tmp_path / "student", job=job, test_largest_batch=False, **LONG
        )  # the probe is no step
    assert caught.value.exit_code == 10
    assert caught.value.what == "the gradient's norm is nan at step 10"
    assert caught.value.where == "learning_rate 0.003, precision fp32"
    assert "--resume-with-changes continues from checkpoint-8" in caught.value.hint


class _OutOfMemoryAboveTwo(Full):
    """Its model takes no more than two records at once."""

    name = "hungry"

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        import torch

        def full(module: Any, args: Any, kwargs: Any) -> None:
            if module.training and len(kwargs["input_ids"]) > 4:  # label and rationale of each record
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        model.register_forward_pre_hook(full, with_kwargs=True)
        return super().prepare(model, recipe)


def test_out_of_memory_at_the_first_step_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        fit(Tiny(SMALL), _OutOfMemoryAboveTwo(), tmp_path / "student")
    assert caught.value.exit_code == 10
    assert "out of memory while training; peak " in caught.value.what
    assert "GiB free" in caught.value.what
    assert caught.value.hint.startswith(
        "try, in this order: per_device_train_batch_size 4 with gradient_accumulation_steps 2 (auto_find_batch_size "
        "does this automatically); gradient_checkpointing"
    )
    steps = [caught.value.hint.index(word) for word in ("gradient_checkpointing", "max_length", "modality")]
    assert steps == sorted(steps)


def test_out_of_memory_later_names_the_last_checkpoint(tmp_path: Path) -> None:
    """The error names the last checkpoint."""
    import torch

    def fail(output: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingError, match="kept: checkpoint-8"):
        fit(Tiny(SMALL), _AtTenthStep(fail), tmp_path / "student", job={"checkpoints": tmp_path / "kept"}, **LONG)


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "NCCL error in: ProcessGroupNCCL.cpp\nLast error:\nCuda failure 2 'out of memory'",
    ],
)
def test_out_of_memory_outside_the_torch_allocator_has_a_hint(said: str, tmp_path: Path) -> None:
    """CUDA and its libraries take memory by themselves."""
    import torch

    for kind in (RuntimeError, torch.AcceleratorError):
        with (
            PeakMemory("cpu") as peak,
            pytest.raises(OutOfMemory) as caught,
            explain_oom(Recipe(), peak, lambda: "checkpoint-8"),
        ):
            raise kind(said)
        assert caught.value.where == said.splitlines()[0]


def test_other_cuda_errors_are_not_out_of_memory() -> None:
    said = "CUDA error: an illegal memory access was encountered"
    with PeakMemory("cpu") as peak, pytest.raises(RuntimeError, match="illegal"), explain_oom(Recipe(), peak, str):
        raise RuntimeError(said)


@pytest.mark.parametrize(
    ("before", "after"), [((8, 1), (4, 2)), ((5, 1), (1, 5)), ((7, 2), (2, 7)), ((6, 1), (3, 2)), ((3, 4), (1, 12))]
)
def test_smaller_batch_keeps_the_effective_batch_size(before: tuple[int, int], after: tuple[int, int]) -> None:
    less = halved(Recipe(per_device_train_batch_size=before[0], gradient_accumulation_steps=before[1]))
    assert (less.per_device_train_batch_size, less.gradient_accumulation_steps) == after


def test_later_out_of_memory_resumes_with_half_the_batch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import torch

    failures = iter([torch.OutOfMemoryError("CUDA out of memory")])

    def fail(output: Any) -> None:
        for failure in failures:
            raise failure

    job = {"checkpoints": tmp_path / "checkpoints"}
    with caplog.at_level(logging.INFO):
        fitted = fit(Tiny(SMALL), _AtTenthStep(fail), tmp_path / "student", job=job, auto_find_batch_size=True, **LONG)
    assert "resuming from checkpoint-8 with a batch of 4" in caplog.messages
    assert "resuming from checkpoint-8" in caplog.messages
    assert fitted.steps == 12
    assert sorted(_losses(fitted)) == list(range(1, 13))


def test_auto_find_batch_size_halves_until_it_fits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fitted = fit(Tiny(SMALL), _OutOfMemoryAboveTwo(), tmp_path / "student", auto_find_batch_size=True)
    assert [m for m in caplog.messages if "starting again" in m] == [
        "starting again with a batch of 4",
        "starting again with a batch of 2",
    ]
    assert fitted.steps == 6


def test_resumed_training_starts_with_the_batch_that_fitted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = {"checkpoints": tmp_path / "checkpoints"}
    train = partial(fit, Tiny(SMALL), _OutOfMemoryAboveTwo(), tmp_path / "student", auto_find_batch_size=True, **LONG)
    with pytest.raises(Killed):
        train(job={**job, "on_step": _at_step(6, _kill)})
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert train(job=job).steps == 12
    assert "resuming from checkpoint-4" in caplog.messages
    assert not [m for m in caplog.messages if "starting again" in m]


@pytest.mark.parametrize("wanted", ["accuracy", "loss"])
def test_early_stopping_needs_validation_records(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="without validation records"):
        fit(Tiny(SMALL), Full(), tmp_path / "student", early_stopping=wanted)


@pytest.mark.parametrize("wanted", ["accuracy", "loss"])
def test_early_stopping_saves_the_best_step(wanted: str, tmp_path: Path) -> None:
    scores = iter([0.1, 0.5, 0.4, 0.5, 0.3, 0.9])

    def score(writer: Generator) -> float:
        [written] = writer.generate(inputs("predict: all red cars"))
        assert isinstance(written.text, str)
        return next(scores)

    changes: dict[str, Any] = {"early_stopping": wanted, "early_stopping_patience": 3, "eval_steps": 2}
    if wanted == "loss":
        changes["learning_rate"] = 0.0  # no evaluation is better than the first
    job = {"checkpoints": tmp_path / "checkpoints", "score": score}
    fitted = fit(
        Tiny(SMALL),
        Full(),
        tmp_path / "student",
        validation=records()[:4],
        job=job,
        **{**LONG, "max_steps": 40, **changes},
    )
    best, last = (4, 10) if wanted == "accuracy" else (2, 8)
    assert (fitted.best_step, fitted.steps) == (best, last)
    assert [row["eval_accuracy"] for row in fitted.history if "eval_accuracy" in row] == (
        [0.1, 0.5, 0.4, 0.5, 0.3] if wanted == "accuracy" else []
    )
    kept = tmp_path / "checkpoints" / f"checkpoint-{best}" / "model.safetensors"
    assert _same_weights(tmp_path / "student" / "model.safetensors", kept)


def _killed_after_best(tmp_path: Path) -> Callable[..., TrainResult]:
    """A training killed after its best step 2 and newest checkpoint 4. Returns a function that resumes it."""
    scores = iter([0.5, 0.4, 0.3, 0.3, 0.3, 0.3])

    def train(early_stopping: str, **job: Any) -> TrainResult:
        job = {"checkpoints": tmp_path / "checkpoints", "score": lambda writer: next(scores), **job}
        changes: dict[str, Any] = {
            **LONG,
            "save_steps": 2,
            "eval_steps": 2,
            "save_total_limit": 1,
            "early_stopping_patience": 9,
        }
        changes["early_stopping"] = early_stopping
        return fit(Tiny(SMALL), Full(), tmp_path / "student", validation=records()[:4], job=job, **changes)

    with pytest.raises(Killed):
        train("accuracy", on_step=_at_step(5, _kill))
    return train


@pytest.mark.parametrize("afterwards", ["accuracy", "none"])
def test_resumed_training_keeps_the_earlier_best(afterwards: str, tmp_path: Path) -> None:
    train = _killed_after_best(tmp_path)
    fitted = train(afterwards, resume_with_changes=True)
    assert (fitted.best_step, fitted.steps) == (2 if afterwards == "accuracy" else None, 12)
    if afterwards == "accuracy":
        kept = tmp_path / "checkpoints" / "checkpoint-2" / "model.safetensors"
        assert _same_weights(tmp_path / "student" / "model.safetensors", kept)


def test_damaged_best_checkpoint_is_forgotten(tmp_path: Path) -> None:
    train = _killed_after_best(tmp_path)
    weights = tmp_path / "checkpoints" / "checkpoint-2" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    fitted = train("accuracy")
    assert (fitted.best_step, fitted.steps) == (6, 12)  # the first evaluation after checkpoint 4
    kept = tmp_path / "checkpoints" / "checkpoint-6" / "model.safetensors"
    assert _same_weights(tmp_path / "student" / "model.safetensors", kept)


@pytest.mark.slow
def test_best_checkpoint_keeps_the_history_complete(tmp_path: Path) -> None:
    """A row is a mean over 2 steps, and the evaluation at step 5 writes a checkpoint to resume from."""
    changes = {"max_steps": 200, "save_steps": 100, "eval_steps": 5, "early_stopping_patience": 4}
    train = partial(fit, Tiny(SMALL), Full(), tmp_path / "student", validation=records()[:4])

    def job(folder: str) -> dict[str, Any]:
        scores = iter([0.5] + 200 * [0.4])
        return {"checkpoints": tmp_path / folder, "score": lambda writer: next(scores)}

    whole = train(job=job("kept"), early_stopping="accuracy", **changes)
    with pytest.raises(Killed):
        train(job={**job("checkpoints"), "on_step": _at_step(8, _kill)}, early_stopping="accuracy", **changes)
    resumed = train(job={**job("checkpoints"), "score": lambda writer: 0.4}, early_stopping="accuracy", **changes)
    assert Checkpoints(tmp_path / "checkpoints").at(5).exists()
    assert resumed.steps == whole.steps == 25  # four evaluations after the best
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=1e-6)
    assert {2, 4, 5, 6, 8} <= _losses(whole).keys()


def test_save_interval_may_change_on_resume(interrupted: Checkpoints, tmp_path: Path) -> None:
    assert interrupted.last == "checkpoint-8"
    job = {"checkpoints": interrupted.folder, "on_step": _at_step(11, _kill)}
    with pytest.raises(Killed):
        fit(Tiny(SMALL), Full(), tmp_path / "half", job=job, **{**LONG, "save_steps": 1})
    assert interrupted.last == "checkpoint-10"


def test_lost_student_is_rebuilt_without_another_step(tmp_path: Path) -> None:
    """The last step was the best, and saving its student failed on a full disk."""
    changes = {**LONG, "max_steps": 11, "eval_steps": 4, "early_stopping": "accuracy"}  # 11: in the middle of an epoch
    scores = iter([0.1, 0.2, 0.3])
    job = {"checkpoints": tmp_path / "checkpoints", "score": lambda writer: next(scores)}
    train = partial(fit, Tiny(SMALL), Full(), validation=records()[:4], job=job, **changes)
    whole = train(tmp_path / "whole")
    assert Checkpoints(tmp_path / "checkpoints").last == "checkpoint-11"
    again = train(tmp_path / "again")
    assert (again.steps, again.best_step, again.history) == (11, 11, whole.history)
    assert _same_weights(tmp_path / "again" / "model.safetensors", tmp_path / "whole" / "model.safetensors")


def test_best_counts_evaluations_without_improvement() -> None:
    best = Best(larger=False, patience=2)
    assert [best.add(step, value) for step, value in enumerate([3.0, 2.0, 2.0, 1.0, 5.0, 1.0])] == [
        True, True, False, True, False, False,
    ]  # fmt: skip
    assert (best.step, best.value, best.over) == (3, 1.0, True)


def test_unreadable_completion_marker_is_ignored(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-3"
    checkpoint.mkdir()
    (checkpoint / "COMPLETE.json").write_text(json.dumps({"files": []}))
    assert Checkpoints(tmp_path).newest() is None
    assert (tmp_path / "torn-checkpoint-3").exists()
