"""The focus of `generate` on what another run got wrong.

configured_focus(setup)                    # Focus(…) from augment.cause and augment.from_run; None: not set
run_focus("mine", "sort", labels)          # of the failures of the run "mine" with the label "sort"
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.answering import error_analysis
from dstill.api.records import SPLITS, Record, Verdict
from dstill.errors import UsageError
from dstill.factory import Setup
from dstill.runs.folder import RunFolder, data_file, find_run, system_file
from dstill.stages.generate import augment
from dstill.stages.generate.augment import Focus

__all__ = ["configured_focus", "run_focus"]


def configured_focus(setup: Setup) -> Focus | None:
    """The focus that ``augment.cause`` and ``augment.from_run`` ask for; None: they are not set.

    Raises UsageError, RunError.
    """
    label, name = setup.settings.augment.cause, setup.settings.augment.from_run
    if not label and not name:
        return None
    if not label or not name:
        raise UsageError(
            "--augment-cause and --from-run need each other",
            where="augment.cause" if label else "augment.from_run",
            hint="give --augment-cause LABEL and --from-run RUN",
        )
    return run_focus(name, label, error_analysis.labels(setup.task))


def run_focus(name: str, label: str, labels: Sequence[str]) -> Focus:
    """The focus on the failures with `label`, one of `labels`, in the run `name`. Raises UsageError, RunError."""
    augment.require_label(label, labels)
    folder = RunFolder.read(find_run(name))
    verdicts = list(folder.load(Verdict, system_file("verdicts")))
    records = [record for split in SPLITS for record in folder.load(Record, data_file(split))]
    return augment.focus_of(label, folder.name, verdicts, records, where=name)
