"""The runs on the start page. Only run.json and config.toml are read: no run is opened, nothing is loaded.

    overviews(Path("runs"))  →  [Overview(name="first", status="evaluate: done", task="toy", …), …]

The newest comes first. A run that cannot be read says why in `problem`, and has nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dstill.cli.console import note_bug
from dstill.errors import DstillError
from dstill.io import toml
from dstill.io.plain_files import regular
from dstill.run_view import Stages
from dstill.runs.folder import SETTINGS, RunFolder, list_runs
from dstill.runs.stage_facts import data_of
from dstill_report.content import Headline
from dstill_report.page import headlines

__all__ = ["Overview", "folders", "overviews"]


MOST_NAMES = 3  # data of a run


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A run in a list."""

    name: str
    created: datetime
    problem: str = ""  # why it cannot be read; empty: it can
    status: str = ""  # as "evaluate: done"
    task: str = ""  # empty: not known
    data: str = ""  # the names of the data that it is about; empty: not known
    student: str = ""
    sets: tuple[Headline, ...] = ()  # the student's scores
    has_rows: bool = False  # there is a dataset to review
    is_trained: bool = False


def folders(place: Path) -> dict[str, Path]:
    """Name → folder of the runs in `place` that an address can name. Nothing else is ever opened."""
    return {folder.name: folder for folder in list_runs(place) if _is_text(folder.name)}


def overviews(place: Path) -> list[Overview]:
    """The runs in `place`, the newest first."""
    return sorted(map(_overview, list_runs(place)), key=lambda row: (row.created, row.name), reverse=True)


def _overview(folder: Path) -> Overview:
    changed = datetime.fromtimestamp(folder.lstat().st_mtime, UTC)
    if not _is_text(folder.name):
        return Overview(name=folder.name, created=changed, problem="its name is not UTF-8")
    try:
        return _read(folder)
    except DstillError as error:
        return Overview(name=folder.name, created=changed, problem=error.what)
    except Exception as error:  # one run must not hide the others
        note_bug(error)
        return Overview(name=folder.name, created=changed, problem=f"bug in dstill: {type(error).__name__}")


def _read(folder: Path) -> Overview:
    run = RunFolder.read(folder)
    manifest = run.manifest
    stages = run.stages
    evaluated = stages.get("evaluate", {})
    created = datetime.fromisoformat(manifest["created"])
    return Overview(
        name=folder.name,
        created=created if created.tzinfo else created.replace(tzinfo=UTC),
        status=run.status,
        task=_task(folder / SETTINGS),
        data=_data(stages),
        student=stages.get("train", {}).get("student", ""),
        sets=headlines(evaluated) if evaluated.get("scores") else (),
        has_rows=any(name.startswith("dataset/") for name in manifest["files"]),
        is_trained="train" in stages,
    )


def _data(stages: Stages) -> str:
    """The names of the first data, as ``shop, school …``."""
    names = list(filter(None, data_of(stages)))
    return ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")


def _task(file: Path) -> str:
    """The task that the settings name; empty: none, or they cannot be read, which is said when the run is opened."""
    try:
        with open(file, "rb", opener=regular) as opened:
            task = toml.loads(opened.read(toml.MOST_BYTES).decode())["project"]["task"]
    except (OSError, ValueError, KeyError, TypeError, DstillError):
        return ""
    return task if isinstance(task, str) else ""


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
