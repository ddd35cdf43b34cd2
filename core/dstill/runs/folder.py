"""A run's folder: its manifest, its lock, its log, and its files.

    runs/NAME/
      run.json      manifest: status, arguments, versions, seed; rows, sha256 and seconds of each file
      config.toml   the resolved configuration
      log.txt

`RunFolder` knows nothing of stages; `dstill.runs.run.Run` adds them. A file under its final name is complete: it was
written under a temporary name, flushed and renamed. The lock is one of the operating system, so it ends with the
process that holds it, also on kill -9.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from dstill.api.records import SCHEMA_VERSION, Row
from dstill.errors import (
    DataError,
    DiskError,
    DstillError,
    Interrupted,
    PluginError,
    RunError,
    TrainingError,
    TrustError,
    UsageError,
    did_you_mean,
    first_line,
)
from dstill.io import system
from dstill.io.files import disk_error, is_temporary, no_folder, reading, remove_stale, replace_dir, write_text
from dstill.io.inert import visible
from dstill.io.jsonl import append_row, append_rows, read_rows, write_rows
from dstill.io.logs import inert, log
from dstill.io.plain_files import inside, refuse_links, regular
from dstill.io.shell import command
from dstill.run_view import Stages
from dstill.runs import manifest as manifests
from dstill.runs.manifest import MANIFEST
from dstill.trust import is_bundle

__all__ = ["RunFolder", "data_file", "file_part", "find_run", "list_runs", "system_file"]

RUNS = Path("runs")
SETTINGS = "config.toml"
STORE = Path("replies.sqlite")  # one for the project, beside ``runs/``
REQUESTS = "requests.jsonl"  # the questions to the teacher, with the keys of the replies
TEACH = "teach"  # the stage that adds the questions of a teacher to the dataset
EXPORT = "export/"  # the dataset in other formats (`dstill.runs.dataset_export`)
UNFINISHED = "unfinished-"  # what the names of files begin with that grow block by block
SAYING = ("review.jsonl", "judgements.jsonl")  # what people say about rows and answers
APPEND_FILES = (*SAYING, UNFINISHED)  # or beginnings: a kill may leave half a last line

CODE_ERRORS = (PluginError, TrainingError)  # errors that code of a plugin or a library causes

R = TypeVar("R", bound=Row)
_EXISTS_HINT = "run the same command again to continue this run, or choose another folder"


class RunFolder:
    """The files of one run. `manifest` is run.json as a dict; `save` writes it."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def stages(self) -> Stages:
        """The results of the stages that are done, as run.json has them."""
        stages: Stages = self.manifest["stages"]
        return stages

    @property
    def status(self) -> str:
        """The last stage and how it ended, as ``train: done``. A review that was ended early says how far it is."""
        status: str = self.manifest["status"]
        review = self.stages.get("review", {})
        if status == "review: done" and review.get("left"):
            return f"review: {review['judged']:,} of {review['sample']:,} rows judged"
        return status

    # --- making and opening -------------------------------------------------------------

    @classmethod
    def make(
        cls,
        folder: Path | None,
        *,
        stem: str,
        arguments: Mapping[str, Any],
        seed: int,
        settings: str = "",
        provenance: Mapping[str, Any] | None = None,
        before: Callable[[Path], None] = lambda _: None,
    ) -> Self:
        """A new run at `folder`, or at ``runs/STEM-DATE-N``, with `settings` as its config.toml.

        `provenance`: versions of packages and plugins for run.json (`dstill.runs.provenance`). `before` is called with
        the folder before run.json is written, so that a kill during it leaves no run. Raises UsageError, DiskError.
        """
        folder = _fresh(stem) if folder is None else _claimed(folder)
        if settings:
            write_text(folder / SETTINGS, settings)
        before(folder)
        run = cls(
            folder,
            {
                "schema_version": SCHEMA_VERSION,
                "name": folder.name,
                "id": secrets.token_hex(8),  # differs between two runs with one name, made in the same second
                "status": "created",
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "arguments": dict(arguments),
                "seed": seed,
                "versions": {},
                **(provenance or {}),
                "stages": {},
                "files": {},
            },
        )
        run.save()
        return run

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The run in `folder`. Raises RunError when it has links or special files, or run.json is unusable."""
        if not os.path.lexists(folder / MANIFEST):
            raise RunError(
                f"{folder} is not a dstill run (it has no {MANIFEST})",
                where=str(folder.absolute()),
                hint="`dstill runs list` shows the runs under ./runs",
            )
        with reading(folder):
            refuse_links(folder)
        return cls(folder, manifests.read(folder))

    def save(self) -> None:
        """Write `manifest` to run.json."""
        text = json.dumps(self.manifest, ensure_ascii=False, indent=1) + "\n"
        # half a surrogate pair, which UTF-8 cannot encode, stays a JSON escape
        write_text(self.folder / MANIFEST, text.encode("utf-8", "backslashreplace").decode())

    # --- one process at a time ----------------------------------------------------------

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run. Raises RunError that names the process that has locked it."""
        with open(self.folder / ".lock", "a+", opener=regular) as file:
            if not system.try_lock(file):
                file.seek(0)
                raise RunError(
                    f"run '{self.name}' is locked by {file.read().strip() or 'another process'}",
                    where=str(self.folder),
                    hint="wait for it, or end it",
                )
            file.truncate(0)
            file.write(f"pid {os.getpid()} on host {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}")
            file.flush()
            # another process may have changed the run since it was read
            self.manifest = RunFolder.read(self.folder).manifest
            remove_stale(self.folder)
            try:
                with self._log():
                    yield
            finally:
                file.truncate(0)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Lock and log a stage. What the body puts into the dict goes to run.json, under ``stages``.

        The dict is open, as plugins have stages too; `dstill.runs.stage_facts` makes those of the core. ``seconds`` is
        added. A call that was wrong (UsageError, TrustError) is no failure of the run: its status stays. Raises
        RunError when another process has locked the run.
        """
        with self.lock():
            facts: dict[str, Any] = {}
            started = time.monotonic()
            before = self.manifest["status"]
            self._status(f"{name}: running")
            log.info("%s begins", name)
            try:
                yield facts
            except (KeyboardInterrupt, Interrupted):
                self._status(f"{name}: interrupted")
                raise
            except (UsageError, TrustError) as error:
                log.info("%s refused: %s", name, error.what)
                self._last_status(before)
                raise
            except Exception as error:
                failed = f"{name}: failed: {first_line(error)}"
                if name in self.stages and before.endswith(": done"):  # the results of an earlier call still count
                    failed = before
                try:
                    if _is_explained(error):
                        log.error("%s failed: %s", name, error)
                    else:
                        log.exception("%s failed", name)
                    self._last_status(failed)
                except KeyboardInterrupt:  # torchrun sends SIGTERM to processes that are still logging
                    self._last_status(failed)
                raise
            facts["seconds"] = round(time.monotonic() - started, 3)
            self.manifest["stages"][name] = facts
            self._status(f"{name}: done")
            log.info("%s done in %.1f s", name, facts["seconds"])

    def _last_status(self, status: str) -> None:
        with contextlib.suppress(DstillError, OSError):  # a full disk must not hide the first error
            self._status(status)

    def _status(self, status: str) -> None:
        self.manifest["status"] = status
        self.save()

    @contextlib.contextmanager
    def _log(self) -> Iterator[None]:
        handler = _Log(self.folder / "log.txt", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handler.addFilter(inert)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)
            handler.close()

    # --- files --------------------------------------------------------------------------

    def write(self, file: str, rows: Iterable[Row]) -> int:
        """Write `rows` to `file` of the run, completely or not at all; their count and sha256 go to `manifest`."""
        started = time.monotonic()
        path = inside(self.folder, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_rows(path, ({"schema_version": SCHEMA_VERSION, **row.to_row()} for row in rows))
        self.manifest["files"][file] = {
            "rows": written.rows,
            "sha256": written.sha256,
            "seconds": round(time.monotonic() - started, 3),
        }
        return written.rows

    def write_file(self, file: str, text: str) -> Path:
        """Write `text` to `file` of the run, completely or not at all, and return its path. Secrets become ``***``.

        It is not in `manifest`, which lists files of rows.
        """
        path = inside(self.folder, file)
        write_text(path, text)
        return path

    def write_folder(self, folder: str, texts: Mapping[str, str]) -> list[Path]:
        """Replace `folder` of the run by one with these files (name → text). If that fails, the old one stays."""
        with replace_dir(inside(self.folder, folder)):
            return [self.write_file(f"{folder}/{name}", text) for name, text in texts.items()]

    def open_output(self, file: str) -> TextIOWrapper:
        """`file` of the run, opened for the output of another program: it is on disk as it comes."""
        return open(inside(self.folder, file), "w", encoding="utf-8", opener=regular)

    def remove_folder(self, folder: str) -> None:
        """Delete `folder` of the run, if it exists."""
        shutil.rmtree(inside(self.folder, folder), ignore_errors=True)

    def append(self, file: str, row: Row) -> None:
        """Append a row to `file`, one of `APPEND_FILES`; the row is on disk when this returns."""
        append_row(inside(self.folder, file), {"schema_version": SCHEMA_VERSION, **row.to_row()})

    def extend(self, file: str, rows: Sequence[Row]) -> None:
        """Append `rows` to an unfinished file; they are on disk when this returns. `manifest` has no digest of it."""
        append_rows(inside(self.folder, file), ({"schema_version": SCHEMA_VERSION, **row.to_row()} for row in rows))
        facts = self.manifest["files"].setdefault(file, {"rows": 0, "sha256": "", "seconds": 0.0})
        facts["rows"] += len(rows)

    def discard(self, file: str) -> None:
        """Remove `file`, if it exists, from the folder and from `manifest`."""
        inside(self.folder, file).unlink(missing_ok=True)
        self.manifest["files"].pop(file, None)

    def rows(self, file: str) -> Iterator[dict[str, Any]]:
        """The rows of `file`; empty when it does not exist. Raises DataError, RunError for another schema version."""
        return (row for _, row in self._numbered(file))

    def load(self, kind: type[R], file: str) -> Iterator[R]:
        """The rows of `file` as instances of `kind`. Raises DataError for a row of another form."""
        for number, row in self._numbered(file):
            try:
                yield kind.from_row(row)
            except ValueError as error:
                raise DataError(
                    f"line {number} of {file} is not a valid row: {error}",
                    where=f"{self.folder / file}:{number}",
                    hint="make the file again; replies are kept",
                ) from None

    def _numbered(self, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
        path = inside(self.folder, file)
        if not os.path.lexists(path):
            return
        for number, row in read_rows(path, own=file.startswith(APPEND_FILES), opener=regular):
            version = row.get("schema_version")
            if not isinstance(version, int):
                flaw = "no schema version" if version is None else "a schema version that is not a number"
                what = f"line {number} of {file} has {flaw}"
                raise DataError(what, where=f"{path}:{number}")
            if version != SCHEMA_VERSION:
                raise RunError(
                    f"{file} has schema version {version}, this dstill knows {SCHEMA_VERSION}",
                    where=f"{path}:{number}",
                    hint="pip install --upgrade dstill",
                )
            yield number, row

    def remove(self) -> None:
        """Delete the folder. Raises RunError when it is a link or locked."""
        if self.folder.is_symlink():
            raise RunError(
                f"{self.folder} is a symbolic link, and the run lies elsewhere",
                where=str(self.folder),
                hint=f"delete the run itself ({command('runs', 'rm', self.folder.resolve())}), and then the link",
            )
        with self.lock():  # not while another process works on it
            shutil.rmtree(self.folder)


def _is_explained(error: Exception) -> bool:
    """Whether the message of `error` says all: a traceback helps with errors in code and in training only."""
    return isinstance(error, DstillError) and not (type(error) is DstillError or isinstance(error, CODE_ERRORS))


class _Log(logging.FileHandler):
    """Ignores errors of a full disk, which would hide the error that is being logged."""

    def _open(self) -> TextIOWrapper:
        return cast(TextIOWrapper, open(self.baseFilename, self.mode, encoding=self.encoding, opener=regular))

    def handleError(self, record: logging.LogRecord) -> None:
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def find_run(name: str | Path) -> Path:
    """The folder of a run, by its name under ``./runs`` or by path. Raises UsageError when there is none."""
    for folder in (RUNS / name, Path(name)):
        if (folder / MANIFEST).exists():
            return folder
    if is_bundle(Path(name)):
        raise UsageError(
            f"{Path(name)} is a bundle, and not a run",
            where=str(Path(name).absolute()),
            hint="predict, serve and ask take a bundle; other commands need the run that it was exported from",
        )
    if Path(name).is_dir():
        raise UsageError(
            f"{Path(name)} is not a dstill run (it has no {MANIFEST})",
            where=str(Path(name).absolute()),
            hint="`dstill runs list` shows the runs under ./runs",
        )
    known = [folder.name for folder in list_runs()]
    raise UsageError(
        f"no run '{name}'.{did_you_mean(str(name), known)}",
        where=f"looked in {RUNS.absolute()} and for a path",
        hint="`dstill runs list` shows what is there",
    )


def list_runs(place: Path = RUNS) -> list[Path]:
    """The run folders in `place`, oldest first."""
    if not place.is_dir():
        return []
    folders = [folder for folder in place.iterdir() if (folder / MANIFEST).exists()]
    return sorted(folders, key=lambda folder: (folder.stat().st_ctime, folder.name))


def data_file(split: str) -> str:
    """The file of the rows of a split."""
    return f"dataset/data/{split}.jsonl"


def system_file(kind: str, system: str = "student", engine: str = "") -> str:
    """The file of a system's rows: ``verdicts-nearest-calculator-2.1.jsonl`` (`engine`: a second engine)."""
    slug = re.sub(r"[^a-z0-9.]+", "-", engine.lower()).strip("-")
    parts = [kind, *([] if system == "student" else [file_part(system)]), *([slug] if slug else [])]
    return "-".join(parts) + ".jsonl"


def file_part(system: str) -> str:
    """The name of a system as a part of file names: ``openai:a/b`` → ``openai-a-b``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", system)


def _fresh(stem: str) -> Path:
    """A new folder under ``./runs``; two processes never get the same one."""
    for number in range(1, 10_000):
        folder = RUNS / f"{stem}-{datetime.now():%Y%m%d}-{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(folder, error) from None
        return folder
    where = str(RUNS.absolute())
    raise DiskError(f"no free name under {RUNS} for '{stem}'", where=where, hint="`dstill runs rm` deletes old runs")


def _claimed(folder: Path) -> Path:
    """Create `folder`, or take an empty one. Raises UsageError for a folder with other files, RunError for a run."""
    if visible(folder.name, one_line=True) != folder.name:
        raise UsageError(
            f"the name of {folder} has a control character or another one that cannot be seen",
            where="--out",
            hint="choose a name without it",
        )
    if (folder / MANIFEST).exists():
        raise RunError(f"{folder} is a dstill run already", where=str(folder), hint=_EXISTS_HINT)
    if folder.is_dir() and not _half_made(folder):
        raise UsageError(
            f"{folder} is not a dstill run and not empty",
            where="--out",
            hint="name an empty or new folder, or omit --out for a new one under ./runs",
        )
    try:
        if folder.parent == RUNS:
            RUNS.mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
        open(folder / ".lock", "a", opener=regular).close()
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def _half_made(folder: Path) -> bool:
    """Whether `folder` is empty, or has only the files that a kill leaves before run.json is written."""
    files = [file for file in folder.iterdir() if file.name != ".lock"]
    ours = [f for f in files if f.name == SETTINGS or is_temporary(f, SETTINGS) or is_temporary(f, MANIFEST)]
    return not files or (files == ours and (folder / ".lock").exists())


def _unwritable(folder: Path, error: OSError) -> DstillError:
    """The error for a folder that cannot be created: wrong path, or a problem of the disk (`disk_error`)."""
    reason = {
        "FileNotFoundError": no_folder(folder),
        "FileExistsError": "it is a file",
        "NotADirectoryError": no_folder(folder),
        "PermissionError": "permission denied",
    }.get(type(error).__name__)
    if reason is None:
        return disk_error(error, folder)
    return UsageError(f"cannot write {folder}: {reason}", where="--out", hint="choose another folder")
