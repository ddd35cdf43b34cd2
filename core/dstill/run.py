"""A run: a question's whole road, stage by stage, in one folder.

    from dstill import Run

    run = Run.create(Path("runs/mine"))     # configuration from dstill.toml, the environment, flags
    run.generate()                          # teacher → checked dataset
    run.train()                             # dataset → student
    scores = run.evaluate()                 # student → predictions → verdicts → scores

    dataset/README.md  dataset/data/{train,validation,test,test_templates,test_index}.jsonl
    rejects.jsonl  student/  predictions.jsonl  verdicts.jsonl

The command line is a thin layer on this class. Only `Run` writes files; what happens to
a row is in `dstill.stages`.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, Mapping, Protocol, Self

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill import processes, reviewing, trust
from dstill.config import Config, Settings
from dstill.curating import curate
from dstill.errors import Interrupted, UsageError
from dstill.evaluating import BLOCK, evaluate, writer_of
from dstill.files import link_tree, write_text
from dstill.folder import SETTINGS, RunFolder, data_file, find_run, system_file
from dstill.generating import generate
from dstill.making import make_executor, make_student, make_task, task_name
from dstill.parts import Executor, Objective, Student, Writer
from dstill.plugins import Plugins
from dstill.records import Prediction, Record, Rejection, Verdict
from dstill.shell import command
from dstill.task import Task
from dstill.training import train

__all__ = ["Progress", "Run"]

# What Ctrl-C leaves, by stage.
KEPT = {
    "generate": "every reply is kept",
    "curate": "the dataset is whole, or as it was before",
    "train": "the student that was there before is kept",
    "review": "every decision is kept",
    "evaluate": f"answers are kept, but for those of the last block of {BLOCK}",
}
TOGETHER = "train"  # the one stage that several processes may do together
log = logging.getLogger("dstill")


class Progress(Protocol):
    """Called as work goes on. `total` 0: not known; `detail`: more for the person, in a few words."""

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None: ...


def _silent(what: str, done: int, total: int, detail: str = "") -> None:
    return None


class Run(RunFolder):
    """One run. `create` or `open` it, then call stages; each is locked, logged and resumable."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        super().__init__(folder, manifest)
        self.plugins: Plugins
        self.config: Config
        self.progress: Progress = _silent

    @classmethod
    def create(
        cls,
        folder: Path | str | None = None,
        *,
        config: Config | None = None,
        plugins: Plugins | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new run at `folder` (None: a new name under ``./runs``). Raises UsageError, ConfigError."""
        plugins = plugins or plugin_loading.load()
        plugins.require_healthy()
        config = config or configuration.load(sections=plugin_loading.part_sections(plugins))
        stem = task_name(plugins, config.settings)
        # names that nobody knows are an error before there is a folder
        plugins.task(stem), plugins.teacher(config.settings.generate.teacher)
        trust.require(config, "engine", "generate", f"task.{stem}", f"teacher.{config.settings.generate.teacher}")
        run = cls.make(
            None if folder is None else Path(folder),
            stem=stem,
            arguments=arguments or {},
            seed=config.settings.project.seed,
            settings=config.to_toml(),
        )
        trust.keep(config, run.folder / SETTINGS)
        run.plugins, run.config = plugins, config
        return run

    @classmethod
    def open(
        cls,
        name: Path | str,
        *,
        flags: Mapping[str, Any] | None = None,
        plugins: Plugins | None = None,
        trusted: bool = False,
    ) -> Self:
        """A run that is there, by name under ``./runs`` or by path; `flags` go before its own configuration.

        What its settings ask for outside of its folder must have been allowed (`dstill.trust`), else its stages
        raise TrustError; `trusted`: the caller allows all of it.
        """
        plugins = plugins or plugin_loading.load()
        plugins.require_healthy()
        run = cls.read(find_run(name))
        run.plugins = plugins
        run.config = configuration.load(
            run.folder / SETTINGS, flags=flags, environment={}, sections=plugin_loading.part_sections(plugins)
        )
        if trusted:
            run.config = replace(run.config, file=None)
        return run

    def keep_settings(self) -> None:
        """config.toml as the run is set now: what the next command on it begins with."""
        write_text(self.folder / SETTINGS, self.config.to_toml())
        trust.keep(self.config, self.folder / SETTINGS)

    def config_with(self, flags: Mapping[str, Any]) -> Config:
        """This run's configuration with `flags` before it. Raises ConfigError."""
        own = {key: value for key, value in self.config.flat().items() if value is not None}
        sections = plugin_loading.part_sections(self.plugins)
        config = configuration.load(use_files=False, flags={**own, **flags}, sections=sections)
        before = {key: origin for key, origin in self.config.origins.items() if key not in flags}
        filed = self.config.filed - flags.keys()  # a run that is made of this one may do no more than this one
        return replace(config, origins={**config.origins, **before}, file=self.config.file, filed=filed)

    def branch(self, folder: Path, *, flags: Mapping[str, Any]) -> Run:
        """A new run at `folder` on the dataset of this one, with `flags` before this one's configuration.

        The files of the dataset are shared, not copied, where the file system can (hard links): a stage that
        makes them anew puts new files in their place. Raises UsageError, ConfigError, DiskError.
        """
        config = self.config_with(flags)
        made = Run.create(folder, config=config, plugins=self.plugins, arguments={"branch of": self.name, **flags})
        link_tree(self.folder / "dataset", made.folder / "dataset")
        if (self.folder / reviewing.FILE).exists():
            shutil.copyfile(self.folder / reviewing.FILE, made.folder / reviewing.FILE)
        of_dataset = {name: facts for name, facts in self.manifest["files"].items() if name.startswith("dataset/")}
        made.manifest["files"].update(of_dataset)
        if "generate" in self.manifest["stages"]:
            made.manifest["stages"]["generate"] = self.manifest["stages"]["generate"]
        made.save()
        return made

    # --- what the run is made of --------------------------------------------------------

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @cached_property
    def task(self) -> Task:
        return make_task(self.plugins, self.config)

    @cached_property
    def objective(self) -> Objective:
        name = self.settings.train.objective
        objective = self.plugins.objective(name)(self.config.part("objective", name))
        objective.alpha = self.settings.train.alpha
        return objective

    @cached_property
    def student(self) -> Student:
        return make_student(self.plugins, self.config, self.settings.train.student)

    def executor(self) -> Executor | None:
        """What runs the task's answers, not opened yet; None where the task's answers are not run."""
        return make_executor(self.plugins, self.config, self.task)

    def records(self, split: str, *, raw: bool = False) -> list[Record]:
        """The rows of a set as a person left them (`dstill.reviewing`); `raw`: as they stand in its file."""
        rows = list(self.load(Record, data_file(split)))
        return rows if raw else reviewing.applied(rows, reviewing.decisions(self)).records

    def rejections(self) -> list[Rejection]:
        return list(self.load(Rejection, "rejects.jsonl"))

    def predictions(self, system: str = "student") -> list[Prediction]:
        return list(self.load(Prediction, system_file("predictions", system)))

    def verdicts(self, system: str = "student", engine: str = "") -> list[Verdict]:
        """`engine`: the label of a second engine; empty: the one that the run was first scored on."""
        return list(self.load(Verdict, system_file("verdicts", system, engine)))

    def writer(self, system: str = "student") -> Writer:
        """The run's student, or one of its baselines, ready to write. Raises RunError when it has none yet."""
        return writer_of(self, system)

    # --- stages -------------------------------------------------------------------------

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """As in `RunFolder`; Ctrl-C raises Interrupted, which says how to go on.

        Of several processes (`dstill.processes`) only the first locks the run, logs, and writes what is found.
        """
        if processes.count() > 1 and name != TOGETHER:
            raise UsageError(
                f"dstill {name.split()[0]} runs in one process, and here are {processes.count()}",
                where="WORLD_SIZE in the environment",
                hint=f"start it without torchrun or accelerate; those are for dstill {TOGETHER}",
            )
        if not processes.leads():
            log.setLevel(logging.ERROR)
            yield {}
            return
        try:
            with super().stage(name) as facts:
                yield facts
        except KeyboardInterrupt:
            stage = name.split()[0]
            words = ("--out", self.folder) if stage == "generate" else (self.folder,)
            more = " …" if stage == "sweep" else ""  # its file
            raise Interrupted(
                f"stopped in {name}; {KEPT.get(stage, 'files at their final names are complete')}",
                where=str(self.folder),
                hint=f"go on with: {command(stage, *words)}{more}",
            ) from None

    @property
    def has_dataset(self) -> bool:
        return any(name.startswith("dataset/") for name in self.manifest["files"])

    def generate(self, *, allow_changed: bool = False) -> Mapping[str, Any]:
        """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only what is missing.

        A run that has a dataset of other questions gets one of those of now only with `allow_changed` (RunError).
        """
        return generate(self, allow_changed=allow_changed)

    def curate(self) -> Mapping[str, Any]:
        """The replies that the run has → checks → dataset, anew. Returns the counts; nothing is bought."""
        return curate(self)

    def train(
        self, *, restart: bool = False, allow_changed: bool = False, allow_unreviewed: bool = False
    ) -> Mapping[str, Any]:
        """Dataset → student. Returns what training came to. Raises DataError, TrainingError, UsageError.

        A training that was stopped goes on from its newest checkpoint: not with `restart`, and one whose
        settings or data have changed since only with `allow_changed` (RunError). What a model wrote and no person
        has looked at, or accepted too little of, is trained on only with `allow_unreviewed` (DataError).
        """
        return train(self, restart=restart, allow_changed=allow_changed, allow_unreviewed=allow_unreviewed)

    def evaluate(self) -> Mapping[str, Any]:
        """Student → predictions (those that are missing) → verdicts → scores of every system and set."""
        return evaluate(self)
