"""Checkpoints of one training. Only complete and unchanged ones are used.

    checkpoints/
      began.json                   the settings that the training began with, data and base included
      checkpoint-300/              what transformers' Trainer saves, weights in safetensors
        progress.json              the history so far and the seconds spent
        COMPLETE.json              {"files": {name: {"size", "sha256"}}}, written last

    checkpoints.begin({"learning_rate": 0.002, "data": "3f2a…"})   → the newest complete checkpoint, or None

A checkpoint without COMPLETE.json, or with a file that does not match it, is torn: the process, the machine or the disk
failed while it was written. It is renamed to ``torn-checkpoint-300``, and the one before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dstill.api.records import Pair
from dstill.errors import RunError
from dstill.io.files import write_text
from dstill.io.logs import log
from dstill.io.plain_files import sha256
from dstill_torch.saving import saving

__all__ = ["Checkpoints", "digest", "step_of"]

BEGAN, COMPLETE, PROGRESS = "began.json", "COMPLETE.json", "progress.json"
PREFIX = "checkpoint-"
# A change of these changes the shapes of the weights or the tokens: --resume-with-changes cannot make them fit.
FIXED_KEYS = ("student", "modality", "r", "target_modules", "precision", "parameters", "vocabulary")


class Checkpoints:
    """The checkpoints of one training, in their own folder."""

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep  # how many of the newest to keep, beside the best one
        self.best: int | None = None  # the step whose checkpoint is kept however old it is

    def begin(self, settings: Mapping[str, Any], *, resume_with_changes: bool = False) -> Path | None:
        """The checkpoint to resume from, or None to start from the beginning.

        Raises:
            RunError: The checkpoints are from a training with other settings.
        """
        newest = self.newest()
        if newest is not None:
            self._require_same(settings, resume_with_changes)
            log.info("resuming from %s", newest.name)
        self._write_settings(settings)
        return newest

    def update_settings(self, changes: Mapping[str, Any]) -> None:
        """Resume with `changes` to the settings that the training began with."""
        if self.settings:
            self._write_settings({**self.settings, **changes})

    def _write_settings(self, settings: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / BEGAN, json.dumps(settings, indent=2, sort_keys=True) + "\n")

    def newest(self) -> Path | None:
        """The newest complete checkpoint; newer torn ones are renamed."""
        torn: list[tuple[Path, str]] = []
        complete = None
        for path in self._by_step():
            flaw = _flaw(path)
            if not flaw:
                complete = path
                break
            torn.append((path, flaw))
        for path, flaw in torn:
            aside = path.with_name(f"torn-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            then = f"using {complete.name}" if complete else "training starts from the beginning"
            log.warning("%s incomplete (%s); %s", path.name, flaw, then)
        return complete

    def complete(self, step: int, progress: Mapping[str, Any]) -> None:
        """Mark the checkpoint of `step` as complete, and remove old ones."""
        path = self.folder / f"{PREFIX}{step}"
        with saving(path):
            (path / PROGRESS).write_text(json.dumps(progress), encoding="utf-8")
            for file in _files(path):
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
            files = {str(f.relative_to(path)): {"size": f.stat().st_size, "sha256": sha256(f)} for f in _files(path)}
        write_text(path / COMPLETE, json.dumps({"files": files}, indent=2) + "\n")
        for old in self._by_step()[self.keep :]:
            if step_of(old) != self.best:
                shutil.rmtree(old, ignore_errors=True)

    def progress(self, path: Path) -> dict[str, Any]:
        """The `progress` that `complete` saved."""
        progress: dict[str, Any] = json.loads((path / PROGRESS).read_text(encoding="utf-8"))
        return progress

    def at(self, step: int) -> Path:
        return self.folder / f"{PREFIX}{step}"

    def is_complete(self, step: int) -> bool:
        return not _flaw(self.at(step))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the training began with; empty if none began, or if they cannot be read."""
        try:
            settings = json.loads((self.folder / BEGAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return settings if isinstance(settings, dict) else {}

    @property
    def last(self) -> str:
        """The name of the newest complete checkpoint, for messages; empty without one."""
        return next((path.name for path in self._by_step() if (path / COMPLETE).exists()), "")

    def remove(self) -> None:
        """Delete all checkpoints, once the training is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _by_step(self) -> list[Path]:
        """Newest first."""
        return sorted(
            (p for p in self.folder.glob(f"{PREFIX}*") if p.is_dir() and p.name.removeprefix(PREFIX).isdecimal()),
            key=step_of,
            reverse=True,
        )

    def _require_same(self, settings: Mapping[str, Any], resume_with_changes: bool) -> None:
        began = self.settings
        keys = sorted({*began, *settings})
        changed = [key for key in keys if began.get(key) != settings.get(key)]
        fixed = [key for key in changed if key in FIXED_KEYS]
        if not changed or (resume_with_changes and not fixed):
            return
        changes = "; ".join(f"{key} {_brief(began.get(key))} → {_brief(settings.get(key))}" for key in changed)
        raise RunError(
            f"the training that stopped here had other settings: {changes}",
            where=str(self.folder),
            hint=f"--restart starts from the beginning ({', '.join(fixed)} cannot change during a training)"
            if fixed
            else "--resume-with-changes resumes from the checkpoint anyway, --restart starts from the beginning",
        )


def digest(records: Sequence[Sequence[Pair]]) -> str:
    """SHA-256 over the training pairs, in order."""
    summed = hashlib.sha256()
    for record in records:
        for pair in record:
            summed.update(json.dumps([pair.task_prefix, pair.source, pair.target, pair.weight]).encode())
    return summed.hexdigest()


def _flaw(path: Path) -> str:
    """The fault of a checkpoint; empty if it is complete."""
    try:
        files = json.loads((path / COMPLETE).read_text(encoding="utf-8"))["files"].items()
    except FileNotFoundError:
        return f"no {COMPLETE}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{COMPLETE} cannot be read"
    for name, expected in files:
        file = path / name
        if not file.is_file() or file.stat().st_size != expected["size"]:
            return f"{name} is missing or truncated"
        if sha256(file) != expected["sha256"]:
            return f"{name} has another hash than in {COMPLETE}"
    return ""


def _files(path: Path) -> Iterator[Path]:
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.name != COMPLETE:
            yield file


def step_of(path: Path | None) -> int:
    """The step of a checkpoint; 0 for None."""
    return int(path.name.removeprefix(PREFIX)) if path is not None else 0


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else text[:12] + "…"
