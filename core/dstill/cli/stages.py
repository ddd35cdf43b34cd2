"""The stages of a run in one command, as `demo` and `adapt` go through them.

stages = run_stages(run, again="dstill demo --out r1")      # goes on where a stopped run ended
stages.show(run)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dstill.cli.console import note, progress, say
from dstill.cli.data import show_dataset
from dstill.cli.scores import show_scores
from dstill.cli.train import show_training
from dstill.errors import Interrupted
from dstill.io.units import percent
from dstill.runs.run import Run
from dstill.runs.taught import TEACH, teach
from dstill.teacher.cost import ReplyCost, summary_lines

__all__ = ["Stages", "dataset_of", "run_stages"]


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The results of all stages of a run."""

    dataset: Mapping[str, Any]
    training: Mapping[str, Any]
    scores: Mapping[str, Any]

    def show(self, run: Run) -> None:
        """Print them."""
        show_dataset(self.dataset)
        show_training(self.training)
        show_scores(run, self.scores)
        for line in self._changes(run):
            say(line)

    def _changes(self, run: Run) -> Iterator[str]:
        """The accuracy before and after training, a line for each split."""
        headline, scores = run.plugins.headline(), self.scores["scores"]
        for split in run.settings.evaluate.splits:
            before, after = (scores.get(system, {}).get(split, {}).get(headline) for system in ("untrained", "student"))
            if before and after and before["value"] is not None and after["value"] is not None:
                yield f"{split}: {percent(before['value'])} % before training → {percent(after['value'])} % after it"


def run_stages(run: Run, *, again: str, restart: bool = False, resume_with_changes: bool = False) -> Stages:
    """The stages of `run`, which go on where a stopped one ended. `again`: the command that a user resumes with.

    With ``adapt.teacher``, the student also learns questions of that teacher (`dstill.runs.taught`). `restart`,
    `resume_with_changes`: as of `Run.train`; both replace a dataset that was made from other questions.
    """
    dataset = dataset_of(run, again=again, resume_with_changes=restart or resume_with_changes)
    with _reported(run, again):
        taught = bool(run.settings.adapt.teacher)
        if taught:
            if TEACH not in run.stages:
                teach(run, resume=again)
            _note_teaching(run.stages[TEACH])
        training = run.stages.get("train") or run.train(
            restart=restart, resume_with_changes=resume_with_changes, allow_unreviewed=taught
        )
        return Stages(dataset=dataset, training=training, scores=run.evaluate())


def dataset_of(run: Run, *, again: str, resume_with_changes: bool) -> Mapping[str, Any]:
    """The counts of the dataset of `run`, made if it is not there. A run whose input is unusable is removed."""
    with _reported(run, again), run.dropped_if_refused():
        return run.stages.get("generate") or run.generate(resume_with_changes=resume_with_changes)


@contextmanager
def _reported(run: Run, again: str) -> Iterator[None]:
    """Show the progress of `run`; Ctrl-C names the command `again`."""
    try:
        with progress() as report:
            run.progress = report
            yield
    except Interrupted as stopped:
        stopped.hint = f"resume with: {again}"
        raise


def _note_teaching(facts: Mapping[str, Any]) -> None:
    if names := facts.get("names"):
        note(f"teacher '{facts['teacher']}': {names}")
    note(f"teacher '{facts['teacher']}': {facts['summary']}")
    scored = f"; {facts['test']:,} are scored as test_teacher" if facts["test"] else ""
    note(f"{facts['train']:,} of its questions are learnt, among {facts['mixed_with']:,} from templates{scored}")
    cost = ReplyCost.from_row(facts["cost"]) if facts["cost"] else None
    for line in summary_lines(cost)[:1]:
        note(line)
