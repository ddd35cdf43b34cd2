"""Checkpoints that count: each whole and unchanged, of this very training.

    checkpoints/
      began.json                   what the training was begun with: settings, data, base
      checkpoint-300/              what transformers' Trainer saves, weights in safetensors
        progress.json              the history so far and the seconds spent
        COMPLETE.json              {"files": {name: {"size", "sha256"}}}, written last

    checkpoints.begin({"learning_rate": 0.002, "data": "3f2a…"})   → the newest that counts, or None

One without its COMPLETE.json, or with a file that is not as it says, is torn: the process or the
machine stopped in the middle, or the disk did. It is set aside as ``torn-checkpoint-300``, and
the one before it is taken.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from dstill.api.records import Pair
from dstill.errors import RunError
from dstill.io.files import write_text
from dstill.runs.provenance import sha256
from dstill_finetune.saving import saving

__all__ = ["Checkpoints", "digest", "step_of"]

BEGAN, COMPLETE, PROGRESS = "began.json", "COMPLETE.json", "progress.json"
PREFIX = "checkpoint-"
# Without these a checkpoint's weights are of other shapes, or of other tokens: no word of a person's makes them fit.
FIXED = ("student", "modality", "r", "target_modules", "precision", "parameters", "vocabulary")

log = logging.getLogger("dstill")


class Checkpoints:
    """Of one training, in a folder of its own."""

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep  # the newest so many, and the best one
        self.best: int | None = None  # the step whose checkpoint is kept whatever its age

    def begin(self, made_of: Mapping[str, Any], *, resume_with_changes: bool = False) -> Path | None:
        """Where to go on from, or None where training begins. Raises RunError for a training of another kind."""
        newest = self.newest()
        if newest is not None:
            self._require_same(made_of, resume_with_changes)
            log.info("going on from %s", newest.name)
        self._write_began(made_of)
        return newest

    def change(self, settings: Mapping[str, Any]) -> None:
        """What was begun with other settings goes on with these."""
        if self.began:
            self._write_began({**self.began, **settings})

    def _write_began(self, made_of: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / BEGAN, json.dumps(made_of, indent=2, sort_keys=True) + "\n")

    def newest(self) -> Path | None:
        """The newest checkpoint that counts; torn ones that are newer are set aside."""
        torn: list[tuple[Path, str]] = []
        found = None
        for path in self._by_step():
            flaw = _flaw(path)
            if not flaw:
                found = path
                break
            torn.append((path, flaw))
        for path, flaw in torn:
            aside = path.with_name(f"torn-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            then = f"using {found.name}" if found else "training begins anew"
            log.warning("%s incomplete (%s); %s", path.name, flaw, then)
        return found

    def complete(self, step: int, progress: Mapping[str, Any]) -> None:
        """Mark the checkpoint of `step` as whole, and let go of those that are older than need be."""
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
        """What `complete` was given."""
        found: dict[str, Any] = json.loads((path / PROGRESS).read_text(encoding="utf-8"))
        return found

    def at(self, step: int) -> Path:
        return self.folder / f"{PREFIX}{step}"

    def is_whole(self, step: int) -> bool:
        return not _flaw(self.at(step))

    @property
    def began(self) -> dict[str, Any]:
        """What the training here was begun with; nothing where none was, or where it cannot be read."""
        try:
            found = json.loads((self.folder / BEGAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def last(self) -> str:
        """The newest whole checkpoint's name, for a person; empty where there is none."""
        return next((path.name for path in self._by_step() if (path / COMPLETE).exists()), "")

    def remove(self) -> None:
        """The training is over: nobody goes on from here."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _by_step(self) -> list[Path]:
        """Newest first."""
        return sorted(
            (p for p in self.folder.glob(f"{PREFIX}*") if p.is_dir() and p.name.removeprefix(PREFIX).isdecimal()),
            key=step_of,
            reverse=True,
        )

    def _require_same(self, made_of: Mapping[str, Any], resume_with_changes: bool) -> None:
        began = self.began
        keys = sorted({*began, *made_of})
        changed = [key for key in keys if began.get(key) != made_of.get(key)]
        fixed = [key for key in changed if key in FIXED]
        if not changed or (resume_with_changes and not fixed):
            return
        told = "; ".join(f"{key} {_brief(began.get(key))} → {_brief(made_of.get(key))}" for key in changed)
        raise RunError(
            f"the training that stopped here was begun otherwise: {told}",
            where=str(self.folder),
            hint=f"--restart begins anew ({', '.join(fixed)} cannot change on the way)"
            if fixed
            else "--resume-with-changes goes on from the checkpoint all the same, --restart begins anew",
        )


def digest(records: Sequence[Sequence[Pair]]) -> str:
    """SHA-256 over what is learnt, in order."""
    summed = hashlib.sha256()
    for record in records:
        for pair in record:
            summed.update(json.dumps([pair.task_prefix, pair.source, pair.target, pair.weight]).encode())
    return summed.hexdigest()


def _flaw(path: Path) -> str:
    """Why a checkpoint does not count; empty: it does."""
    try:
        files = json.loads((path / COMPLETE).read_text(encoding="utf-8"))["files"].items()
    except FileNotFoundError:
        return f"no {COMPLETE}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{COMPLETE} cannot be read"
    for name, said in files:
        file = path / name
        if not file.is_file() or file.stat().st_size != said["size"]:
            return f"{name} is missing or cut"
        if sha256(file) != said["sha256"]:
            return f"{name} has another hash than {COMPLETE} says"
    return ""


def _files(path: Path) -> Iterator[Path]:
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.name != COMPLETE:
            yield file


def step_of(path: Path | None) -> int:
    """The step of a checkpoint; 0 where there is none."""
    return int(path.name.removeprefix(PREFIX)) if path is not None else 0


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else text[:12] + "…"
