"""The contents of a run: its configuration, task and student, and the rows of its files.

    run = RunContents.open("mine")
    run.task, run.records("test"), run.predictions(), run.verdicts("nearest")

`dstill.runs.run.Run` adds the stages that make them.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill import trust
from dstill.api.objective import Objective
from dstill.api.records import SPLITS, Example, Prediction, Record, Rejection, TeacherRequest, Verdict
from dstill.api.student import Generator, Student, TrainingJob
from dstill.api.task import Task, data_of
from dstill.confidence import calibration
from dstill.confidence import evaluated as confidence
from dstill.confidence.calibration import Calibration
from dstill.confidence.selective import ScoredAnswer
from dstill.config import Config, Settings
from dstill.errors import DataError, DstillError, RunError, UsageError
from dstill.factory import Setup, kind_and_base, make_baseline, task_name
from dstill.inputs import hub_datasets
from dstill.inputs.leakage import context_key
from dstill.io.files import link_tree
from dstill.io.plain_files import inside
from dstill.io.shell import command
from dstill.plugins import Plugins
from dstill.quality import data_drift, review
from dstill.quality.data_drift import Learnt
from dstill.runs.folder import REQUESTS, SAYING, SETTINGS, STORE, RunFolder, data_file, find_run, system_file
from dstill.runs.provenance import loaded, versions
from dstill.runs.review_log import decisions
from dstill.runtime import spooled
from dstill.runtime.progress import Progress
from dstill.stages.evaluate.systems import baseline_job, baselines, require_splits
from dstill.stages.predict.answerable import Answerable, Contexts
from dstill.teacher.purchase import Purchase
from dstill.trust import PACKAGED

__all__ = ["PLUGIN", "RunContents", "learnt_in", "without_plugins"]

PLUGIN = "plugin "  # what an entry of a provenance begins with that names a plugin


class RunContents(RunFolder):
    """A run's folder with its configuration. `create` or `open` it."""

    setup: Setup

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
        _require_known(Setup(plugins, config))  # before there is a folder
        teachers = [f"teacher.{name}" for name in _teachers(config.settings)]
        trust.require(config, "engine", "generate", "augment", f"task.{stem}", *teachers)
        config = _with_task(config, stem)
        config = _with_questions(config, hub_datasets.pinned(config.settings.generate.questions))
        run = cls.make(
            None if folder is None else Path(folder),
            stem=stem,
            arguments=arguments or {},
            seed=config.settings.project.seed,
            settings=config.to_toml(),
            provenance={
                "versions": versions(plugins),
                "plugins": loaded(plugins),
                "chosen": sorted(config.chosen),
            },
            before=lambda folder: trust.allow_written(config, folder / SETTINGS),
        )
        run.setup = Setup(plugins, config)
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
        """An existing run, by its name under ``./runs`` or by path; `flags` override its configuration.

        Stages raise TrustError when the settings reach outside the folder of the run and nobody allowed it
        (`dstill.trust`). `trusted`: the caller allows it, for this object and the trials that it starts. Raises
        UsageError, RunError, ConfigError.
        """
        plugins = plugins or plugin_loading.load()
        plugins.require_healthy()
        run = cls.read(find_run(name))
        config = configuration.load(
            run.folder / SETTINGS, flags=flags, environment={}, sections=plugin_loading.part_sections(plugins)
        )
        chosen = config.chosen | _chosen(run, config)
        config = replace(_with_trained_student(config, run, plugins), chosen=chosen, trusted=trusted)
        run.setup = Setup(plugins, config)
        return run

    @contextlib.contextmanager
    def dropped_if_refused(self) -> Iterator[Self]:
        """Around the first stage: if the call was wrong or its input unusable, a run without anything is removed."""
        try:
            yield self
        except (UsageError, DataError):
            with contextlib.suppress(DstillError, OSError):  # the first error counts
                if not self.manifest["files"] and not self._has_bought():
                    self.remove()
            raise

    def _has_bought(self) -> bool:
        """Whether this run has bought a reply, which counts in its budget."""
        from dstill.teacher.cache import ReplyStore

        if not STORE.exists():
            return False
        with ReplyStore(STORE) as store:
            return next(store.bought_by(self.purchase().buyer), None) is not None

    def save_settings(self) -> None:
        """Write the current configuration to config.toml, where the next command reads it."""
        self.manifest["chosen"] = sorted(self.config.chosen)
        self.write_file(SETTINGS, self.config.to_toml())
        trust.allow_written(self.config, self.folder / SETTINGS)

    def pin_questions(self) -> None:
        """Take the commit of a data set on the hub into the settings: that which the run has, else the newest one."""
        now = self.settings.generate.questions
        if not hub_datasets.is_name(now):
            return
        before = RunContents.open(self.folder.absolute(), plugins=self.plugins)
        questions = before.settings.generate.questions
        if hub_datasets.is_pin_of(questions, now):
            self.config = _with_questions(self.config, questions)
        elif now != questions:
            trust.require(self.config, "generate")
            self.config = _with_questions(self.config, hub_datasets.pinned(now))

    def branch(self, folder: Path | None, *, flags: Mapping[str, Any]) -> Self:
        """A new run at `folder` with the dataset of this run, and its configuration overridden by `flags`.

        `folder` None: a new name under ``./runs``.

        The files of the dataset are hard links where the file system supports them; a stage that writes the dataset
        replaces the files, and so does not change this run. Raises UsageError, ConfigError, DiskError.
        """
        config = self.config.with_flags(flags)
        run = self.create(folder, config=config, plugins=self.plugins, arguments={"branch of": self.name, **flags})
        link_tree(self.folder / "dataset", run.folder / "dataset")
        for name in SAYING:
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, run.folder / name)
        of_dataset = {name: facts for name, facts in self.manifest["files"].items() if name.startswith("dataset/")}
        run.manifest["files"].update(of_dataset)
        if "generate" in self.stages:
            run.manifest["stages"]["generate"] = self.stages["generate"]
        run.save()
        return run

    def branch_below(self, name: str, *, flags: Mapping[str, Any]) -> Self:
        """`branch` to the folder `name` of this run, in place of what a killed process left there."""
        self.remove_folder(name)
        folder = inside(self.folder, name)
        folder.parent.mkdir(exist_ok=True)
        return self.branch(folder, flags=flags)

    # --- the parts of the run -----------------------------------------------------------

    @property
    def plugins(self) -> Plugins:
        """The loaded plugins."""
        return self.setup.plugins

    @property
    def config(self) -> Config:
        """The configuration with the origin of each value; assigning one makes new parts."""
        return self.setup.config

    @config.setter
    def config(self, config: Config) -> None:
        self.setup = Setup(self.plugins, config, self.progress)

    @property
    def progress(self) -> Progress:
        """Called with what a stage does, how many items are done, and of how many."""
        return self.setup.progress

    @progress.setter
    def progress(self, progress: Progress) -> None:
        self.setup.progress = progress

    @property
    def settings(self) -> Settings:
        """The typed settings of the configuration."""
        return self.setup.settings

    @property
    def task(self) -> Task:
        """The task that the configuration names."""
        return self.setup.task

    @property
    def objective(self) -> Objective:
        """The training objective that the configuration names."""
        return self.setup.objective

    @property
    def student(self) -> Student:
        """The kind of student that the configuration names, trained or not."""
        return self.setup.student

    # --- its rows -----------------------------------------------------------------------

    def records(self, split: str, *, raw: bool = False) -> Sequence[Record]:
        """The rows of a split after the review (`dstill.quality.review`); `raw`: before it, as in the file."""
        rows = self.load(Record, data_file(split))
        return spooled.records(rows) if raw else review.applied(rows, decisions(self)).records

    def teacher_requests(self) -> list[TeacherRequest]:
        """The questions to the teacher, with the keys of its replies in the reply store."""
        return list(self.load(TeacherRequest, REQUESTS))

    def rejections(self) -> list[Rejection]:
        """The questions that did not become rows of the dataset, with their problems."""
        return list(self.load(Rejection, "rejects.jsonl"))

    def predictions(self, system: str = "student") -> list[Prediction]:
        """The answers of the student, or of the baseline `system`, in the last evaluation."""
        return list(self.load(Prediction, system_file("predictions", system)))

    def verdicts(self, system: str = "student", engine: str = "") -> list[Verdict]:
        """The verdicts on those answers. `engine`: the label of a second engine; empty: the first engine."""
        return list(self.load(Verdict, system_file("verdicts", system, engine)))

    def purchase(self, use: str = "", *, resume: str = "") -> Purchase:
        """Where the replies of large models are stored, and who buys them.

        A budget covers all purchases for the same `use`: none for the dataset, "evaluate", "fallback". `resume`: the
        command that continues after a cap was reached.
        """
        buyer = f"{self.name} {self.manifest['id']}"
        return Purchase(store=STORE, buyer=f"{buyer} {use}".strip(), resume=resume, where=str(self.folder))

    @property
    def contexts(self) -> Contexts:
        """The usual context of questions about each data of the run, by its name (`data_of`), the most frequent first.

        Questions that name no data are under ``""``. If the run has no questions, the context that its student learnt.
        """
        groups: dict[str, list[Record]] = {}
        for record in (record for split in SPLITS for record in self.records(split)):
            groups.setdefault(data_of(self.task, record), []).append(record)
        if not groups:
            context = self.learnt().context
            return {data_of(self.task, Example(id="", question="", context=context)): context}
        return {name: _most_frequent(groups[name]) for name in sorted(groups, key=lambda name: -len(groups[name]))}

    @property
    def context(self) -> Mapping[str, Any]:
        """The context of a question without one: the first of `contexts`."""
        return next(iter(self.contexts.values()))

    def learnt(self) -> Learnt:
        """The facts that the student learnt of its data. Raises DataError when its file is damaged."""
        return learnt_in(self)

    def calibration(self) -> Calibration | None:
        """The last evaluation's calibration of the student's log-probabilities (docs/confidence.md).

        None: it could not say anything, or it was of another student, or of this one with or without a grammar. Raises
        DataError when the file is damaged.
        """
        made_of = self.made_of(constrained=self.settings.evaluate.constrain)
        if self.provenance_of(calibration.FILE) != made_of:
            return None
        return next(iter(self.load(Calibration, calibration.FILE)), None)

    def confidence(self) -> list[ScoredAnswer]:
        """The confidence in each answer of the last evaluation, those to validation questions included."""
        return list(self.load(ScoredAnswer, confidence.FILE))

    def answers(self) -> Mapping[str, Prediction]:
        """The answers of this student in its evaluation, by id; empty: another student or a grammar made them."""
        draws = self.settings.evaluate.agreement
        file, provenance = system_file("predictions", "student"), self.made_of(constrained=False, draws=draws)
        if without_plugins(self.provenance_of(file)) != provenance:
            return {}
        return {prediction.id: prediction for prediction in self.load(Prediction, file)}

    def require_student(self) -> Path:
        """The folder of the trained student. Raises RunError when the run has none yet."""
        trained = self.folder / "student"
        if not trained.exists():
            raise RunError(
                f"run '{self.name}' has no student yet", where=str(trained), hint=command("train", self.folder)
            )
        return trained

    def generator(self, system: str = "student") -> Generator:
        """The loaded student, or a baseline. Raises RunError when the run has no student yet."""
        trained = self.require_student()
        if system == "student":
            return self.student.load(trained)
        folder = self._baseline(system)
        baseline = make_baseline(self.plugins, self.config, system)

        def job() -> TrainingJob:
            folder.mkdir(parents=True, exist_ok=True)
            return baseline_job(self.setup, self.records("train"), folder)

        baseline.fit(job)
        return baseline.load(self.student, trained, folder)

    def answerable(self) -> Answerable:
        """Its student, to ask it."""
        return Answerable(
            name=self.name,
            setup=self.setup,
            load=lambda setup: setup.student.load(self.require_student()),
            contexts=lambda: self.contexts,
            folder=self.folder,
            load_nearest=self._nearest,
            calibration=self.calibration,
            learnt=self.learnt,
            records=self.records,
            purchase=self.purchase,
        )

    def _nearest(self, setup: Setup) -> Generator | None:
        """The baseline that measures the similarity to training questions; None: the run has none.

        Raises DataError when it is damaged, MissingExtra when its packages are not installed.
        """
        for name in self.plugins.names("baselines"):
            folder = self._baseline(name)
            if folder.exists():
                return make_baseline(self.plugins, setup.config, name).load(
                    setup.student, self.folder / "student", folder
                )
        return None

    def _baseline(self, name: str) -> Path:
        """The folder of a fitted baseline."""
        return self.folder / "baselines" / name

    def gate(self, *, allow: bool) -> review.ReviewStatus:
        """The status of the review. Raises DataError when it does not suffice to train, unless `allow`.

        See `dstill.quality.review.gate`.
        """
        return review.gate(
            self.plugins,
            self.settings.review,
            spooled.records(row for split in review.REVIEWED for row in self.load(Record, data_file(split))),
            decisions(self),
            seed=self.settings.project.seed,
            allow=allow,
            run=self.folder,
        )

    def provenance_of(self, file: str) -> list[str]:
        """The facts that decided the rows of `file` (`made_of`); empty: not known."""
        return list(self.manifest["files"].get(file, {}).get("provenance", ()))

    def made_of(self, *, constrained: bool, draws: int = 0) -> list[str]:
        """The facts that decide predictions: the training, the dataset, whether a grammar is in force, and `draws`.

        A copy of a run has the same provenance. The predictions on disk also name the plugins behind them (`PLUGIN`).
        """
        training = self.stages.get("train", {}).get("id", "")
        data = self.manifest["files"].get(data_file("train"), {}).get("sha256", "")
        return [training, data, *(["constrained"] if constrained else []), *([f"{draws} drawn"] if draws else [])]


def _teachers(settings: Settings) -> list[str]:
    """The teachers that label questions and that write them."""
    return [name for name in (settings.generate.teacher, settings.adapt.teacher) if name]


def _require_known(setup: Setup) -> None:
    """Raises UsageError for a part or split that does not exist. Of the stages after the first, only what was named."""
    plugins, settings = setup.plugins, setup.settings
    plugins.task(task_name(plugins, settings))
    for teacher in _teachers(settings):
        plugins.teacher(teacher)
    named = setup.config.origins.keys()
    if "train.student" in named and settings.train.student:
        plugins.student(kind_and_base(plugins, settings.train.student)[0])
    if "train.objective" in named:
        plugins.objective(settings.train.objective)
    if "train.modality" in named and settings.train.modality != "auto":
        plugins.modality(settings.train.modality)
    if "evaluate.baselines" in named:
        baselines(setup)
    require_splits(settings.evaluate.splits)


def _with_trained_student(config: Config, run: RunFolder, plugins: Plugins) -> Config:
    """`config` with the student that `run` was trained with, if its settings name none: defaults may change."""
    trained = str(run.stages.get("train", {}).get("student", ""))
    is_default = trained in plugins.names("students") or trained.startswith(PACKAGED)  # it opens no model of its own
    if config.settings.train.student or not is_default:
        return config
    train = replace(config.settings.train, student=trained)
    return replace(config, settings=replace(config.settings, train=train))


def _with_task(config: Config, name: str) -> Config:
    """`config` with the name of the task, which may follow from what is installed and from `engine.url`."""
    project = replace(config.settings.project, task=name)
    return replace(config, settings=replace(config.settings, project=project))


def _with_questions(config: Config, questions: str) -> Config:
    generate = replace(config.settings.generate, questions=questions)
    return replace(config, settings=replace(config.settings, generate=generate))


def _chosen(run: RunFolder, config: Config) -> frozenset[str]:
    """The settings that somebody set for `run`: those noted then, and those that are not the default in its file."""
    default = configuration.load(use_files=False, sections=config.parts.sections).flat()
    return frozenset(run.manifest.get("chosen", ())) | {k for k, value in config.flat().items() if value != default[k]}


def _most_frequent(records: Sequence[Record]) -> Mapping[str, Any]:
    """The context of most records; of equally frequent ones, the first."""
    counts, contexts = Counter[str](), dict[str, Mapping[str, Any]]()
    for record in records:
        counts[key := context_key(record)] += 1
        contexts.setdefault(key, record.context)
    return contexts[max(counts, key=lambda key: counts[key])]


def learnt_in(run: RunFolder) -> Learnt:
    """The facts that the student in `run` learnt of its data. Raises DataError when its file is damaged."""
    return data_drift.learnt_by(run.folder / "student")


def without_plugins(provenance: Sequence[str]) -> list[str]:
    """The entries of a provenance that name no plugin."""
    return [entry for entry in provenance if not entry.startswith(PLUGIN)]
