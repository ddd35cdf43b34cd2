"""The runs behind the reproduction: a base trained on one index, frozen, and adapted to another.

    lab = Lab(Path("build/reproduce/full"), FULL, jobs=2)
    parent = lab.adaptation("weblogs", "movies")          # movies' questions, the student of weblogs as the base
    arm = lab.arm(parent, {"train.modality": "lora"})     # a trial a seed, trained and scored
    arm.accuracy, arm.verdicts, arm.unseen                # on movies; unseen: on quakes, never trained on

Whatever is finished is read from the folder and its trials.jsonl, so a reproduction that was stopped goes on. A run
that is incomplete, or of another size, is made again.
"""

from __future__ import annotations

import random
import shutil
import statistics
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.reproduce.memory import Saving, savings
from benchmarks.reproduce.size import BASE_RATE, RECIPE, Size
from benchmarks.reproduce.trial_log import TrialLog, TrialOutcome, dataset_of, key_of

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.records import Record
from dstill.errors import FailedItems
from dstill.runs.folder import data_file
from dstill.runs.manifest import MANIFEST
from dstill_sweep.comparing import Verdicts, verdicts
from dstill_sweep.trials import Result, Trials, run_trials

__all__ = ["TRIALS", "UNSEEN", "Arm", "Lab", "arm_of"]

UNSEEN = "test_unseen_data"  # questions about quakes, in every index' dataset
TRIALS = "trials.jsonl"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What the seeds of one setting came to."""

    changes: Mapping[str, Any]
    results: Sequence[Result]
    verdicts: Verdicts
    unseen: Verdicts
    asked: Mapping[str, int]  # items of each set, with those that tell nothing

    @property
    def accuracies(self) -> list[float]:
        return [result.accuracy_value for result in self.results]

    @property
    def accuracy(self) -> float:
        return statistics.fmean(self.accuracies)

    @property
    def seconds(self) -> float:
        return statistics.fmean(result.seconds for result in self.results)

    @property
    def peak_memory(self) -> float:
        """Bytes, of the process, above what it held before the model was loaded."""
        return statistics.fmean(result.peak_memory for result in self.results)


class Lab:
    def __init__(self, folder: Path, size: Size, *, jobs: int) -> None:
        self.folder, self.size, self.jobs = folder, size, jobs
        self.plugins = plugin_loading.load()
        folder.mkdir(parents=True, exist_ok=True)
        self.trial_log = TrialLog(folder / TRIALS)

    # --- runs ---------------------------------------------------------------------------

    def base(self, index: str) -> Run:
        """A run on `index` with a student trained in full: the base of every adaptation from it."""
        run = self._run(index, self._base_settings(index))
        if "seconds" not in run.manifest["stages"].get("generate", {}):
            self.say(f"questions about {index}")
            run.generate()
        if "seconds" not in run.manifest["stages"].get("train", {}):
            self.say(f"a base on {index}: {self.size.base_steps} steps")
            run.train()
        return run

    def adaptation(self, source: str, target: str, *, rows: int = 0, noise: int = 0) -> Run:
        """The questions about `target`, with the student of `source` as the base of every trial.

        `rows`: that many training records, 0 for all; `noise`: percent of them with the answer of another.
        """
        folder = self.folder / self.name_of(source, target, rows=rows, noise=noise)
        base, about = self.base(source), self.base(target)
        made = {
            "status": "ready",
            "base": {**self._base_settings(source), "dataset": dataset_of(base)},
            "steps": self.size.steps,
            "items": self.size.items,
        }
        if (run := self._existing_run(folder)) and all(run.manifest.get(key) == value for key, value in made.items()):
            return run
        _clear(folder)
        student = f"tiny:{base.folder / 'student'}"
        run = about.branch(folder, flags={"train.student": student, "train.max_steps": self.size.steps})
        train = list(run.records("train"))
        random.Random(rows).shuffle(train)
        run.write(data_file("train"), corrupted(train[: rows or None], noise))
        for split in ("test", "validation", UNSEEN):
            records = list(run.records(split))
            random.Random(0).shuffle(records)
            run.write(data_file(split), records[: self.size.items])
        run.manifest.update(made)
        run.save()
        return run

    @staticmethod
    def name_of(source: str, target: str, *, rows: int, noise: int) -> str:
        return f"{source}-to-{target}" + (f"-rows-{rows}" if rows else "") + (f"-noise-{noise}" if noise else "")

    def _run(self, name: str, settings: Mapping[str, Any]) -> Run:
        folder = self.folder / name
        if run := self._existing_run(folder):
            flat = run.config.flat()
            if all(flat[key] == value for key, value in settings.items()):
                return run
        _clear(folder)
        sections = plugin_loading.part_sections(self.plugins)
        flags = {**settings, "train.student": "tiny"}
        config = configuration.load(use_files=False, flags=flags, sections=sections)
        return Run.create(folder, config=config, plugins=self.plugins, arguments={"command": "reproduce"})

    def _existing_run(self, folder: Path) -> Run | None:
        """The run in `folder`; None if it is incomplete or missing."""
        return Run.open(folder, plugins=self.plugins) if (folder / MANIFEST).exists() else None

    def _base_settings(self, index: str) -> dict[str, Any]:
        return {
            "task.querydsl.index": index,
            "task.querydsl.n_questions": self.size.rows,
            "train.learning_rate": BASE_RATE,
            "train.max_steps": self.size.base_steps,
            **({"task.querydsl.documents": self.size.documents} if self.size.documents else {}),
            **RECIPE,
        }

    # --- trials -------------------------------------------------------------------------

    def arms(self, parent: Run, wanted: Mapping[str, Mapping[str, Any]], *, split: str = "test") -> dict[str, Arm]:
        """Each of `wanted`, by name: its changes with every seed. Raises FailedItems when a trial fails."""
        extra_splits = (UNSEEN,) if split == "test" else ()
        trials = Trials(parent, split=split, extra_splits=extra_splits)
        asked = {
            name: [trials.trial({**changes, "project.seed": seed}) for seed in self.seeds(split)]
            for name, changes in wanted.items()
        }
        every = {trial.name: trial for arm in zip(*asked.values(), strict=True) for trial in arm}
        keys = {name: key_of(parent, split, trial.changes) for name, trial in every.items()}
        missing = [trial for name, trial in every.items() if keys[name] not in self.trial_log]
        with closing(run_trials(trials, missing, jobs=self.jobs)) as results:
            for result in results:
                if result.error:
                    raise FailedItems(f"{result.name}: {result.error}", where=str(trials.folder / result.name))
                answers = {of: verdicts(trials, [every[result.name]], of)[0] for of in (split, *extra_splits)}
                self.trial_log.add(keys[result.name], parent.folder.name, result, answers)
                trials.drop_weights(result.name)
                self.say(f"{parent.name} {result.name}: {result.accuracy_value:.3f} in {result.seconds:.0f} s")
        return {
            name: arm_of(wanted[name], [self.trial_log[keys[trial.name]] for trial in arm], split)
            for name, arm in asked.items()
        }

    def seeds(self, split: str) -> range:
        return range(self.size.seeds if split == "test" else 1)

    # --- memory -------------------------------------------------------------------------

    def savings(self) -> list[Saving]:
        return savings(self.size.models, self.folder, times=self.size.times, say=self.say)

    def say(self, text: str) -> None:
        print(text, flush=True)


def arm_of(changes: Mapping[str, Any], found: Sequence[TrialOutcome], split: str) -> Arm:
    return Arm(
        changes=changes,
        results=[one.result for one in found],
        verdicts=[one.verdicts[split] for one in found],
        unseen=[one.verdicts[UNSEEN] for one in found if UNSEEN in one.verdicts],
        asked=found[0].asked,
    )


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def corrupted(records: Sequence[Record], percent: int) -> list[Record]:
    """`percent` of the records with answer and rationale of another: well formed, and wrong."""
    found = list(records)
    wrong = random.Random(percent).sample(range(len(found)), round(len(found) * percent / 100))
    for at, other in zip(wrong, [*wrong[1:], *wrong[:1]], strict=True):
        found[at] = replace(records[at], answer=records[other].answer, rationale=records[other].rationale)
    return found
