"""Creates the objects that a configuration names, each with its section of the configuration.

setup = Setup(plugins, config)
setup.task, setup.student                                  # created on first use
make_student(plugins, config, "hf:google/flan-t5-small")   # kind "hf", base after the colon
make_student(plugins, config, "models/small.gguf")         # the kind that loads such files

If settings come from a file, the user must have allowed what they ask for (`dstill.trust`). Otherwise every function
here raises TrustError.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property

from dstill import trust
from dstill.api.baseline import Baseline
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.fallbacks import with_fallbacks
from dstill.api.form import Form
from dstill.api.modality import Choice, Modality, ModelSpec, reasons
from dstill.api.objective import Objective
from dstill.api.protocols import Linked
from dstill.api.recipe import Device
from dstill.api.student import Student
from dstill.api.task import Task
from dstill.api.teacher import BatchTeacher, Teacher
from dstill.config import Config, Settings
from dstill.errors import ConfigError, UsageError
from dstill.plugins import Plugins
from dstill.runtime.progress import Progress, silent

__all__ = [
    "Setup",
    "address_forms",
    "choose_modality",
    "form_of",
    "kind_and_base",
    "make_baseline",
    "make_executor",
    "make_second_executor",
    "make_student",
    "make_task",
    "make_teacher",
    "modalities",
    "models",
    "possible_tasks",
    "student_spec",
    "task_name",
    "teacher_settings",
    "url_schemes",
    "url_takers",
]

STUDENT = "student"  # folder of the student in a run's folder


class Setup:
    """Plugins and configuration, and the objects that they name: what a stage needs besides its data."""

    def __init__(self, plugins: Plugins, config: Config, progress: Progress = silent) -> None:
        self.plugins = plugins
        self.config = config
        self.progress = progress

    @property
    def settings(self) -> Settings:
        """The core's sections of the configuration."""
        return self.config.settings

    @cached_property
    def task(self) -> Task:
        """The task of `task_name`."""
        return make_task(self.plugins, self.config)

    @cached_property
    def objective(self) -> Objective:
        """The objective of ``train.objective``."""
        name = self.settings.train.objective
        objective = self.plugins.objective(name)(self.config.part("objective", name))
        objective.label_weight = self.settings.train.label_weight
        return objective

    @cached_property
    def student(self) -> Student:
        """The student of `student_spec`. Raises UsageError if it reads schemas and the task has no form."""
        student = make_student(self.plugins, self.config, student_spec(self.plugins, self.settings))
        if student.reads_schema:
            student.form = form_of(self.task, student.name)
        return student

    def executor(self) -> Executor | None:
        """The executor, not opened yet. None: the task's answers are not run."""
        return make_executor(self.plugins, self.config, self.task)

    @contextlib.contextmanager
    def opened_executor(self, *, judging: bool = False) -> Iterator[Executor | None]:
        """The executor, open during the block. Raises ServiceError if its engine cannot be reached.

        `judging`: also open the executor of ``evaluate.second_executor`` as `Executor.second`.
        """
        executor = self.executor()
        if executor is None:
            yield None
            return
        with contextlib.ExitStack() as opened:
            opened.enter_context(executor.open(self.task, self.settings.engine))
            if judging and self.settings.evaluate.second_executor:
                second = make_second_executor(self.plugins, self.config, executor)
                executor.second = opened.enter_context(second.open(self.task, self.settings.engine))
            yield executor


def task_name(plugins: Plugins, settings: Settings) -> str:
    """The name of the configured task, or else the default of the `possible_tasks`. Raises UsageError."""
    possible, names = possible_tasks(plugins, settings), plugins.names("tasks")
    if default := plugins.default_task(possible):
        return default
    plugins.require_complete()
    if names and not possible:
        forms = ((name, address_forms(plugins, name)) for name in names)
        raise UsageError(
            f"no engine of dstill takes an address with {_scheme(settings.engine.url)}://",
            where="--engine-url",
            hint="; ".join(f"task {name} takes {taken}" for name, taken in forms if taken),
        )
    raise UsageError(
        "which task?" if names else "no task pack is installed",
        where="--task, or [project] task in dstill.toml",
        hint=f"installed: {', '.join(possible)}" if names else "`dstill pack new NAME` writes one",
    )


def possible_tasks(plugins: Plugins, settings: Settings) -> list[str]:
    """The configured task, or else those whose executors have ``engine.name`` or take ``engine.url``, or else all.

    Empty: several are installed, and none of them takes the address.
    """
    if settings.project.task:
        return [settings.project.task]
    names, engine, scheme = plugins.names("tasks"), settings.engine, _scheme(settings.engine.url)
    if len(names) < 2 or not (engine.url or engine.name):
        return names
    if engine.name:
        return [name for name in names if engine.name in plugins.fact("tasks", name, "executors")] or names
    return [name for name in names if scheme in _schemes(plugins, name)]


def _schemes(plugins: Plugins, task: str) -> list[str]:
    """The schemes of the addresses that the executors of the task `task` take."""
    installed = plugins.names("executors")
    names = [name for name in plugins.fact("tasks", task, "executors") if name in installed]
    return list(dict.fromkeys(scheme for name in names for scheme in url_schemes(plugins, name)))


def url_schemes(plugins: Plugins, executor: str) -> Sequence[str]:
    """`Executor.url_schemes` of the executor of this name."""
    schemes: Sequence[str] = plugins.fact("executors", executor, "url_schemes")
    return schemes


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def make_task(plugins: Plugins, config: Config, name: str = "") -> Task:
    """The configured task, or the one with this name."""
    name = name or task_name(plugins, config.settings)
    _require(plugins, config, f"task.{name}")
    task = with_fallbacks(plugins.task(name)(config.part("task", name)))
    task.seed = config.settings.project.seed
    return task


def make_teacher(plugins: Plugins, config: Config, name: str = "") -> Teacher:
    """The teacher `name`, not opened yet; empty: ``generate.teacher``.

    Raises ConfigError if it cannot do ``generate.batch``.
    """
    settings = config.settings.generate
    name = name or settings.teacher
    _require(plugins, config, "generate", "augment", f"teacher.{name}")
    teacher = plugins.teacher(name)(config.part("teacher", name))
    if settings.batch and not isinstance(teacher, BatchTeacher):
        raise ConfigError(
            f"teacher '{teacher.name}' does not support batches",
            where="generate.batch",
            hint="omit --batch-api: dstill then requests its replies one by one",
        )
    teacher.json_mode = settings.json_mode
    return teacher


def teacher_settings(plugins: Plugins, spec: str, key: str = "generate.teacher") -> dict[str, str]:
    """The settings of ``NAME`` or ``NAME:MODEL``; the model is a setting of that teacher. Raises UsageError."""
    name, colon, model = spec.partition(":")
    if not colon:
        return {key: name}
    teacher = plugins.teacher(name)
    if not hasattr(teacher.Config, teacher.choice):
        raise UsageError(f"teacher '{name}' takes no model", where="--teacher", hint=f"--teacher {name}")
    return {f"teacher.{name}.{teacher.choice}": model, key: name}


def make_student(plugins: Plugins, config: Config, spec: str) -> Student:
    """The student of `spec`: ``kind``, ``kind:base``, or a file whose ending means a kind."""
    kind, base = kind_and_base(plugins, spec)
    _require(plugins, config, "train", f"student.{kind}")
    student = plugins.student(kind)(config.part("student", kind))
    student.base = base
    return student


def form_of(task: Task, student: str) -> Form:
    """The form that a student which reads schemas needs. Raises UsageError if the task has none."""
    form = Linked.of(task).form()
    if form is None:
        raise UsageError(
            f"student '{student}' needs a form of answers, and task '{task.name}' has none",
            where="train.student",
            hint="train another kind of student, or give the pack a form (docs/packs.md, Linked)",
        )
    return form


def make_baseline(plugins: Plugins, config: Config, name: str) -> Baseline:
    """The baseline `name`."""
    kind = plugins.baseline(name)
    _require(plugins, config, f"baseline.{name}")
    return kind(config.part("baseline", name))


def student_spec(plugins: Plugins, settings: Settings) -> str:
    """``train.student``, or the default of the task of `task_name`. Empty: there is no default."""
    return settings.train.student or plugins.default_student(plugins.default_task(possible_tasks(plugins, settings)))


def kind_and_base(plugins: Plugins, spec: str) -> tuple[str, str]:
    """``hf:FOLDER`` → ``("hf", "FOLDER")``, ``FILE.gguf`` → ``("hf", "FILE.gguf")``."""
    kind, _, base = spec.partition(":")
    if kind not in plugins.names("students"):
        takers = [
            n for n in plugins.names("students") if spec.lower().endswith(plugins.fact("students", n, "suffixes"))
        ]
        kind, base = (takers[0], spec) if takers else (kind, base)
    return kind, base


def make_executor(plugins: Plugins, config: Config, task: Task) -> Executor | None:
    """The executor that ``[engine]`` names, one that takes its url, or the task's first. None: the task has none."""
    engine: Engine = config.settings.engine
    if not task.executors:
        return None
    name = engine.name or task.executors[0]
    if engine.url and not engine.name:
        second = config.settings.evaluate.second_executor
        takers = url_takers(plugins, task, engine.url)
        name = next((n for n in takers if n != second), name)  # the url may be meant for the second one
    _require(plugins, config, "engine", f"executor.{name}")
    return plugins.executor(name)(config.part("executor", name))


def url_takers(plugins: Plugins, task: Task, url: str) -> list[str]:
    """The executors of `task` that take the address `url`. Raises UsageError if there is none."""
    schemes = {name: url_schemes(plugins, name) for name in task.executors}
    scheme = _scheme(url)
    if takers := [name for name, taken in schemes.items() if scheme in taken]:
        return takers
    plugins.require_complete()
    if not any(schemes.values()):
        raise UsageError(
            f"task '{task.name}' has no executor that takes a url",
            where="--engine-url",
            hint=f"leave it out: answers then run on {task.executors[0]}" if task.executors else "leave it out",
        )
    raise UsageError(
        f"task '{task.name}' has no executor that takes an address with {scheme}://",
        where="--engine-url",
        hint=f"its executors take {address_forms(plugins, task.name)}",
    )


def address_forms(plugins: Plugins, *tasks: str) -> str:
    """How the addresses begin that executors of `tasks` take, as ``http://, https://``. Empty: they take none."""
    schemes = dict.fromkeys(scheme for task in tasks for scheme in _schemes(plugins, task))
    return ", ".join(f"{scheme}://" for scheme in schemes)


def make_second_executor(plugins: Plugins, config: Config, first: Executor) -> Executor:
    """The executor that ``evaluate.second_executor`` names. Raises UsageError, ConfigError."""
    name = config.settings.evaluate.second_executor
    kind = plugins.executor(name)
    if not plugins.implementers("judge_answer"):
        raise ConfigError(
            "no loaded plugin judges with two executors",
            where="evaluate.second_executor",
            hint="the plugin crosscheck does; `dstill pack list` shows the loaded plugins",
        )
    if name == first.name:
        raise ConfigError(
            f"executor '{name}' cannot be the second one: it is the first",
            where="evaluate.second_executor",
            hint="name another one, or choose the first: --set engine.name=NAME",
        )
    _require(plugins, config, "engine", f"executor.{name}")
    return kind(config.part("executor", name))


def _require(plugins: Plugins, config: Config, *sections: str) -> None:
    trust.require(config, *sections, more=models(plugins, config))


def models(plugins: Plugins, config: Config) -> Iterator[trust.Request]:
    """Requests for the models outside of its folder that a run's student loads, according to the run's files."""
    kind, _ = kind_and_base(plugins, student_spec(plugins, config.settings))
    if config.file is None or kind not in plugins.names("students"):
        return
    home = config.file.parent
    folder = home / STUDENT
    student = plugins.student(kind)(config.part("student", kind))
    for name in (str(folder.absolute()), *student.external_models(folder)) if folder.is_dir() else ():
        if action := trust.model_action(name, home, is_run=True):
            yield trust.Request(action=action, setting=str(folder))


def modalities(plugins: Plugins, config: Config) -> dict[str, Modality]:
    """Name → object, for every installed modality."""
    return {n: plugins.modality(n)(config.part("modality", n)) for n in plugins.names("modalities")}


def choose_modality(plugins: Plugins, config: Config, shape: ModelSpec, device: Device) -> tuple[Modality, Choice]:
    """The configured modality, or the one that the hook `select_modality` chooses, with the reasons.

    A configured one may not fit: its reason says so. Raises UsageError if it is unknown, or if auto finds none.
    """
    recipe = config.settings.train.on(device)
    installed = modalities(plugins, config)
    if recipe.modality == "auto":
        choice = plugins.select_modality(list(installed.values()), shape, recipe, device)
        return installed[choice.modality], choice
    plugins.modality(recipe.modality)  # raises UsageError with the known names if it is unknown
    modality = installed[recipe.modality]
    return modality, Choice(modality=modality.name, reasons=reasons([modality], shape, recipe, device))
