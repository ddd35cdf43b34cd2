"""The weights that a linked student starts from: a folder, or a base of the task's pack.

folder_of("base:sums", form)           →  …/my_sums/base
folder_of("/home/me/student", form)    →  /home/me/student
start_of("base:sums", form, digest)    →  the same folder, if its weights have this SHA-256
"""

from __future__ import annotations

from pathlib import Path

from dstill.api.form import Form
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.trust import PACKAGED
from dstill_linked.saving import FILE, read_facts

__all__ = ["folder_of", "start_of"]


def folder_of(start: str, form: Form) -> Path:
    """The folder of ``base:NAME`` or FOLDER. Raises UsageError for an unknown base, DataError for a missing one."""
    if not start.startswith(PACKAGED):
        return Path(start)
    name = start.removeprefix(PACKAGED)
    if name not in form.bases:
        known = ", ".join(PACKAGED + base for base in form.bases)
        raise UsageError(
            f"the task's pack has no base '{name}'.{did_you_mean(name, form.bases)}" if name else "which base?",
            where=f"train.student = {start}",
            hint=f"it has {known}" if known else "it has none: train with --student linked",
        )
    folder = form.bases[name]
    if not (folder / FILE).is_file():
        raise DataError(
            f"the base '{name}' is not in this installation",
            where=str(folder),
            hint="install the task pack again, or train with --student linked",
        )
    return folder


def start_of(start: str, form: Form, digest: str) -> Path:
    """The folder that a training started from. Raises also DataError if it has other weights than then."""
    folder = folder_of(start, form)
    if digest and read_facts(folder).sha256 != digest:
        raise DataError(
            f"{start} has other weights than when the student was trained",
            where=str(folder / FILE),
            hint="use the version that it was trained with, or train it again",
        )
    return folder
