"""The runs behind the reproduction: a base trained on one index, frozen, and adapted to another.

    lab = Lab(Path("build/reproduce/full"), FULL, jobs=2)
    parent = lab.adaptation("weblogs", "movies")          # movies' questions, the student of weblogs as the base
    arm = lab.arm(parent, {"train.modality": "lora"})     # a trial a seed, trained and scored
    arm.accuracy, arm.verdicts, arm.unseen                # on movies; unseen: on quakes, never trained on

Whatever is finished is read from the folder and its trials.jsonl, so a reproduction that was stopped goes on.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Mapping, Sequence

from tests.benchmarks.reproduce.kept import Kept, Trialled, key_of
from tests.benchmarks.reproduce.size import RECIPE, Size

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.errors import FailedItems
from dstill.folder import data_file
from dstill.records import Record
from dstill_sweep.comparing import Verdicts, verdicts
from dstill_sweep.pool import finished
from dstill_sweep.trials import Result, Trials

__all__ = ["TRIALS", "Arm", "Lab"]

UNSEEN = "test_index"  # questions about quakes, in every index' dataset
TRIALS = "trials.jsonl"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What the seeds of one setting came to."""

    changes: Mapping[str, Any]
    results: Sequence[Result]
    verdicts: Verdicts
    unseen: Verdicts

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
        self.kept = Kept(folder / TRIALS)

    # --- runs ---------------------------------------------------------------------------

    def base(self, index: str) -> Run:
        """A run on `index` with a student trained in full: the base of every adaptation from it."""
        run = self._run(
            index,
            {
                "task.querydsl.index": index,
                "task.querydsl.rows": self.size.rows,
                "train.learning_rate": 2e-3,
                "train.max_steps": self.size.base_steps,
                **RECIPE,
            },
        )
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
        name = f"{source}-to-{target}" + (f"-rows-{rows}" if rows else "") + (f"-noise-{noise}" if noise else "")
        folder = self.folder / name
        if (folder / "run.json").exists() and (run := self._open(folder)).manifest["status"] == "ready":
            return run
        base = self.base(source).folder / "student"
        made = self.base(target)
        if folder.exists():
            self._open(folder).remove()
        run = made.branch(folder, flags={"train.student": f"tiny:{base}", "train.max_steps": self.size.steps})
        train = run.records("train")
        random.Random(rows).shuffle(train)
        run.write(data_file("train"), corrupted(train[: rows or None], noise))
        for split in ("test", "validation", UNSEEN):
            records = run.records(split)
            random.Random(0).shuffle(records)
            run.write(data_file(split), records[: self.size.items])
        run.manifest["status"] = "ready"
        run.save()
        return run

    def _run(self, name: str, settings: Mapping[str, Any]) -> Run:
        folder = self.folder / name
        if (folder / "config.toml").exists():
            return self._open(folder)
        sections = plugin_loading.part_sections(self.plugins)
        config = configuration.load(use_files=False, flags=settings, sections=sections)
        return Run.create(folder, config=config, plugins=self.plugins, arguments={"command": "reproduce"})

    def _open(self, folder: Path) -> Run:
        return Run.open(folder, plugins=self.plugins)

    # --- trials -------------------------------------------------------------------------

    def arms(self, parent: Run, wanted: Mapping[str, Mapping[str, Any]], *, split: str = "test") -> dict[str, Arm]:
        """Each of `wanted`, by name: its changes with every seed. Raises FailedItems when a trial fails."""
        beside = (UNSEEN,) if split == "test" else ()
        trials = Trials(parent, split=split, beside=beside)
        seeds = range(self.size.seeds if split == "test" else 1)
        asked = {
            name: [trials.trial({**changes, "project.seed": seed}) for seed in seeds]
            for name, changes in wanted.items()
        }
        every = {trial.name: trial for arm in zip(*asked.values(), strict=True) for trial in arm}
        keys = {name: key_of(parent, split, trial.changes) for name, trial in every.items()}
        missing = [trial for name, trial in every.items() if keys[name] not in self.kept]
        for result in finished(trials, missing, jobs=self.jobs):
            if result.error:
                raise FailedItems(f"{result.name}: {result.error}", where=str(trials.folder / result.name))
            answers = {of: verdicts(trials, [every[result.name]], of)[0] for of in (split, *beside)}
            self.kept.add(keys[result.name], parent.folder.name, result, answers)
            trials.drop_weights(result.name)
            self.say(f"{parent.name} {result.name}: {result.accuracy_value:.3f} in {result.seconds:.0f} s")
        return {
            name: _arm(wanted[name], [self.kept[keys[trial.name]] for trial in arm], split)
            for name, arm in asked.items()
        }

    def say(self, text: str) -> None:
        print(text, flush=True)


def _arm(changes: Mapping[str, Any], found: Sequence[Trialled], split: str) -> Arm:
    return Arm(
        changes=changes,
        results=[one.result for one in found],
        verdicts=[one.verdicts[split] for one in found],
        unseen=[one.verdicts[UNSEEN] for one in found if UNSEEN in one.verdicts],
    )


def corrupted(records: Sequence[Record], percent: int) -> list[Record]:
    """`percent` of the records with answer and rationale of another: well formed, and wrong."""
    found = list(records)
    wrong = random.Random(percent).sample(range(len(found)), round(len(found) * percent / 100))
    for at, other in zip(wrong, [*wrong[1:], *wrong[:1]], strict=True):
        found[at] = replace(records[at], answer=records[other].answer, rationale=records[other].rationale)
    return found
