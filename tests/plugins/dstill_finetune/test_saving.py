"""Saving a student: disk errors and file permissions."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import SMALL, fit
from support.inputs import inputs

from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Recipe
from dstill.errors import DiskError, DstillError, Interrupted, UsageError
from dstill.io.files import replace_dir
from dstill_finetune.tiny import Tiny
from dstill_torch.modalities import Full, Lora
from dstill_torch.saving import saving

FULL = Path("/dev/full")  # every write to it fails as on a full disk

# TensorBoard's own thread may meet the full disk after the test that filled it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskError),
        (RuntimeError("I/O error: No space left on device (os error 28)"), DiskError),
        (RuntimeError("Read-only file system (os error 30)"), DiskError),
        (RuntimeError("Permission denied (os error 13)"), UsageError),
    ],
    ids=str,
)
def test_system_errors_become_readable_errors(problem: Exception, kind: type[DstillError], tmp_path: Path) -> None:
    with pytest.raises(kind) as caught, saving(tmp_path):
        raise problem
    assert caught.value.where == str(tmp_path)
    if kind is DiskError:
        assert caught.value.exit_code == 11
        assert "`dstill train` again" in caught.value.hint


@contextlib.contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of each file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "room", [2**16, 2**18 + 2**9]
)  # the limit is within the tensor, or in the last bytes that torch writes
def test_torch_write_error_is_explained_by_the_disk(room: int, tmp_path: Path) -> None:
    import torch

    with _file_size_limit(room), pytest.raises(DiskError, match="file too large") as caught, saving(tmp_path):
        torch.save(torch.zeros(2**16), tmp_path / "optimizer.pt")
    assert caught.value.exit_code == 11


@pytest.mark.slow
def test_disk_full_while_writing_events_is_a_disk_error(tmp_path: Path) -> None:
    def fill(step: int, *_: Any) -> None:
        if step == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    with _file_size_limit(2**30), pytest.raises(DiskError) as caught:
        fit(Tiny(SMALL), Full(), tmp_path / "student", job={"events": tmp_path / "events", "on_step": fill})
    assert caught.value.where == str(tmp_path)


def test_other_errors_are_unchanged(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a bug"), saving(tmp_path):
        raise RuntimeError("a bug")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_full_disk_is_a_disk_error() -> None:
    import tokenizers

    with pytest.raises(DiskError), saving(FULL):
        tokenizers.Tokenizer(tokenizers.models.BPE()).save(str(FULL))
    with pytest.raises(DiskError), saving(FULL):
        FULL.write_text("x")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Full, Lora])
def test_student_files_have_default_permissions(kind: type[Modality], tmp_path: Path) -> None:
    folder = tmp_path / "student"
    fit(Tiny(SMALL), kind(), folder, max_steps=1)
    (tmp_path / "new").touch()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert len(modes) >= 6
    assert set(modes.values()) == {stat.S_IMODE((tmp_path / "new").stat().st_mode)}, modes


def test_modality_without_adapters_stores_no_base(tmp_path: Path) -> None:
    class Head(Modality):
        """A third-party modality that trains only the embedding."""

        name = "head"
        priority = 1

        def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
            return Memory(parts={})

        def prepare(self, model: Any, recipe: Recipe) -> Any:
            model.requires_grad_(False)
            model.get_input_embeddings().requires_grad_(True)
            return model

    def answers(**options: bool) -> list[str]:
        return [written.text for written in Tiny().load(tmp_path, **options).generate(inputs("predict: all red cars"))]

    fit(Tiny(SMALL), Head(), tmp_path, max_steps=1, learning_rate=1e-9)
    assert not (tmp_path / "base").exists()
    assert answers() == answers(trained=False)


def test_generation_uses_the_threads_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    fit(Tiny(SMALL), Full(), tmp_path, max_steps=1, threads=2)
    writer: Any = Tiny().load(tmp_path)
    seen = []
    generate = writer.model.generate

    def counted(**kwargs: Any) -> Any:
        seen.append(torch.get_num_threads())
        return generate(**kwargs)

    monkeypatch.setattr(writer.model, "generate", counted)
    list(writer.generate(inputs("predict: all red cars")))
    assert seen == [min(2, os.cpu_count() or 1)]
    assert torch.get_num_threads() == 1


def test_ctrl_c_keeps_the_earlier_student(tmp_path: Path) -> None:
    folder = tmp_path / "student"

    def again(**changes: Any) -> None:
        with replace_dir(folder):
            fit(Tiny(SMALL), Full(), folder, max_steps=3, **changes)

    sent: list[int] = []

    def interrupt(step: int, *_: Any) -> None:
        if step >= 1 and not sent:  # a second signal would end this process
            sent.append(step)
            signal.raise_signal(signal.SIGINT)

    again()
    weights = (folder / "model.safetensors").read_bytes()
    with pytest.raises(Interrupted, match="stopped at step 1 of 3"):
        again(seed=1, job={"on_step": interrupt})
    assert (folder / "model.safetensors").read_bytes() == weights
    assert list(Tiny().load(folder).generate(inputs("predict: all red cars")))
    again(seed=1)
    assert (folder / "model.safetensors").read_bytes() != weights
    assert [path.name for path in tmp_path.iterdir()] == ["student"]
