"""The one module that touches pluggy: finds plugins, loads them, and calls hooks by typed methods.

    plugins = load()                        # built-ins and installed packages alike
    plugins.task("sql")                     # the class that a plugin registered
    plugins.build_prompt(task, example, ()) # one method a hook

A plugin that does not load is named in `Plugins.failures` and the others still load;
``DSTILL_DISABLE=a,b`` leaves plugins out, ``DSTILL_TRACE_HOOKS=1`` prints every hook call.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property, partial
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

import click
import pluggy

from dstill import defaults, hookspecs
from dstill.api.baseline import Baseline
from dstill.api.executor import Executor
from dstill.api.faults import PASSING, about, refused, unjudged, with_faults
from dstill.api.metric import Metric
from dstill.api.modality import Choice, Modality, Shape
from dstill.api.objective import Objective
from dstill.api.option import Option
from dstill.api.part import Part
from dstill.api.protocols import PROTOCOLS
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Draft, Example, Problem, Prompt, Section, Verdict
from dstill.api.student import Student
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.config import Generate
from dstill.errors import PluginError, UsageError, did_you_mean

if TYPE_CHECKING:
    from dstill.run_view import RunView

__all__ = ["Failure", "PluginInfo", "Plugins", "load"]

GROUP = "dstill"
# Of a part: it is a table's name in dstill.toml and stands before the colon of --student.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

# Registration hook → the base class of what it yields.
KINDS: dict[str, type[Part]] = {
    "tasks": Task,
    "teachers": Teacher,
    "students": Student,
    "modalities": Modality,
    "objectives": Objective,
    "executors": Executor,
    "metrics": Metric,
    "baselines": Baseline,
}


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    name: str
    version: str = ""  # of its distribution
    source: str = ""  # module or file
    distribution: str = ""  # empty: an unpackaged file
    sha256: str = ""  # of that file


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A plugin that did not load, or a clash between two."""

    plugin: str
    version: str
    problem: str
    source: str = ""  # module or file

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"plugin '{self.plugin}'{version}: {self.problem} (leave it out with DSTILL_DISABLE={self.plugin})"


class Plugins:
    """The loaded plugins: their parts by name, and one method a hook."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(defaults, name="core")
        self.loaded: list[PluginInfo] = []
        self.failures: list[Failure] = []
        self.unknown: list[str] = []  # disabled, though nothing of that name is there
        self.files: tuple[Path, ...] = ()  # of --plugin, for a process that is to load the same
        self.judges: set[str] = set()  # the plugins that gave a verdict; who wants to know clears it before
        self._parts: dict[str, dict[str, tuple[type[Part], str]]] = {kind: {} for kind in KINDS}
        self._tracing = bool(os.environ.get("DSTILL_TRACE_HOOKS"))
        if self._tracing:
            self._manager.add_hookcall_monitoring(
                before=lambda name, impls, kwargs: print(
                    f"hook {name}({', '.join(kwargs)}) → {', '.join(i.plugin_name for i in reversed(impls))}",
                    file=sys.stderr,
                ),
                after=lambda outcome, name, impls, kwargs: None,
            )

    # --- loading ------------------------------------------------------------------------

    def add(self, plugin: object, info: PluginInfo) -> None:
        """Register one plugin and keep its parts; what is wrong with it goes to `failures`."""
        if self._manager.has_plugin(info.name):
            self.fail(info, PluginError(f"another plugin is called '{info.name}' too"))
            return
        try:
            self._refuse_unmarked(plugin)
            self._manager.register(plugin, name=info.name)
            self._manager.check_pending()
            parts = self._collect(plugin, info)
        except Exception as error:  # whatever a plugin's own code raises is that plugin's failure
            if self._manager.has_plugin(info.name):
                self._manager.unregister(name=info.name)
            self.fail(info, error)
            return
        for kind, part in parts:
            self._parts[kind][part.name] = (part, info.name)
        self.loaded.append(info)

    def fail(self, info: PluginInfo, error: BaseException) -> None:
        text = str(error).strip().splitlines()
        problem = f"{type(error).__name__}: {text[0] if text else ''}"
        if isinstance(error, (PluginError, pluggy.PluginValidationError)):
            problem = " ".join(text)
        self.failures.append(Failure(plugin=info.name, version=info.version, problem=problem, source=info.source))

    def _refuse_unmarked(self, plugin: object) -> None:
        """A hook's name on a function without the mark would never be called: say so instead."""
        for name in vars(self._manager.hook):
            if callable(getattr(plugin, name, None)) and self._manager.parse_hookimpl_opts(plugin, name) is None:
                raise PluginError(f"{name} is a hook, but is not marked with @dstill.hookimpl")

    def _collect(self, plugin: object, info: PluginInfo) -> list[tuple[str, type[Part]]]:
        """The parts of one plugin. Raises PluginError for a wrong kind or a name that is taken."""
        found: list[tuple[str, type[Part]]] = []
        for kind, base in KINDS.items():
            hook = getattr(plugin, f"register_{kind}", None)
            if hook is None:
                continue
            if self._tracing:
                print(f"hook register_{kind}() → {info.name}", file=sys.stderr)
            names = {name: owner for name, (_, owner) in self._parts[kind].items()}
            for part in hook() or ():
                if not (isinstance(part, type) and issubclass(part, base)):
                    raise PluginError(f"register_{kind} gave {part!r}, which is no class of dstill's {base.__name__}")
                _refuse_unfinished(part)
                _refuse_unasked(part)
                if part.name in names:
                    raise PluginError(
                        f"two {kind} are called '{part.name}': one of plugin '{names[part.name]}', "
                        f"one of plugin '{info.name}'"
                    )
                names[part.name] = info.name
                found.append((kind, part))
        return found

    def require_healthy(self) -> None:
        """For commands that run stages: refuse to go on when a plugin did not load."""
        if self.failures:
            raise PluginError(
                "; ".join(str(f) for f in self.failures),
                where=self.failed_sources(),
                hint="see `dstill pack list`; repair or disable what is named",
            )

    def failed_sources(self) -> str:
        """The modules and files of what did not load, for an error's *where*."""
        return ", ".join(failure.source for failure in self.failures if failure.source)

    # --- parts --------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        return sorted(self._parts[kind])

    def owner(self, kind: str, name: str) -> str:
        """The plugin that brought a part."""
        return self._parts[kind][name][1]

    def part(self, kind: str, name: str) -> type[Part]:
        """The class of a part by kind (``tasks``, ``teachers`` …) and name. Raises UsageError."""
        part: type[Part] = self._named(kind, name)
        return part

    def _named(self, kind: str, name: str) -> Any:
        try:
            return self._parts[kind][name][0]
        except KeyError:
            known = self.names(kind)
            one = KINDS[kind].__name__.lower()
            raise UsageError(
                f"no {one} called '{name}'.{did_you_mean(name, known)}",
                where=f"installed: {', '.join(known) or 'none'}",
                hint="a plugin brings more: pip install it, or --plugin FILE.py",
            ) from None

    def task(self, name: str) -> type[Task]:
        part: type[Task] = self._named("tasks", name)
        return part

    def teacher(self, name: str) -> type[Teacher]:
        part: type[Teacher] = self._named("teachers", name)
        return part

    def student(self, name: str) -> type[Student]:
        part: type[Student] = self._named("students", name)
        return part

    def modality(self, name: str) -> type[Modality]:
        part: type[Modality] = self._named("modalities", name)
        return part

    def objective(self, name: str) -> type[Objective]:
        part: type[Objective] = self._named("objectives", name)
        return part

    def executor(self, name: str) -> type[Executor]:
        part: type[Executor] = self._named("executors", name)
        return part

    def metric(self, name: str) -> type[Metric]:
        part: type[Metric] = self._named("metrics", name)
        return part

    def baseline(self, name: str) -> type[Baseline]:
        part: type[Baseline] = self._named("baselines", name)
        return part

    def options(self, command: str) -> dict[str, dict[str, Option]]:
        """What task packs add to one of dstill's commands: option → task → what it is there."""
        found: dict[str, dict[str, Option]] = {}
        for task in self.names("tasks"):
            for option in self.task(task).options:
                if command in option.commands:
                    found.setdefault(option.name, {})[task] = option
        return found

    def default_student(self) -> str:
        """The kind of student where none is asked for; empty: no plugin gives one."""
        return next((name for name in self.names("students") if self.student(name).default), "")

    def default_baselines(self) -> list[str]:
        """Those that a student is scored beside where nobody says otherwise, in the order of registration."""
        return [name for name in self._parts["baselines"] if self.baseline(name).default]

    def headline(self) -> str:
        """The metric that an evaluation is about; empty: none is installed."""
        return next((name for name in self.names("metrics") if self.metric(name).headline), "")

    def distributions(self) -> list[str]:
        """The packages that results hang on, as the parts name them."""
        return sorted(
            {name for parts in self._parts.values() for part, _ in parts.values() for name in part.distributions}
        )

    def meanings(self) -> dict[str, str]:
        """Baseline → what it is, in words."""
        return {name: self.baseline(name).meaning for name in self.names("baselines")}

    def implementers(self, hook: str) -> list[str]:
        """The plugins that implement a hook, without the core."""
        impls = getattr(self._hook, hook).get_hookimpls()
        return sorted(impl.plugin_name for impl in impls if impl.plugin is not defaults)

    # --- hooks --------------------------------------------------------------------------

    @cached_property
    def _hook(self) -> Any:
        return self._manager.hook

    def register_commands(self, cli: click.Group) -> None:
        """Plugin by plugin: what one's code raises, or a command that is there already, is that plugin's failure."""
        for info in list(self.loaded):
            others = [plugin for name, plugin in self._manager.list_name_plugin() if name != info.name]
            before = _commands(cli)
            try:
                self._manager.subset_hook_caller("register_commands", others)(cli=cli)
                after = _commands(cli)
                for group, known in before.items():
                    if taken := [name for name, command in known.items() if after[group].get(name) is not command]:
                        raise PluginError(f"its command '{taken[0]}' is there already")
            except Exception as error:
                for group, known in before.items():
                    group.commands.clear()
                    group.commands.update(known)
                self.fail(info, error)

    def build_prompt(
        self,
        task: Task,
        example: Example,
        shots: Sequence[Example],
        pool: Iterable[Example] = (),
        settings: Generate | None = None,
    ) -> Prompt:
        settings = settings or Generate()

        def build(other: Sequence[Example]) -> Prompt:
            return self.build_prompt(task, example, other, (), settings)

        prompt: Prompt = self._hook.build_prompt(
            task=task, example=example, shots=shots, pool=pool, settings=settings, build=build
        )
        return prompt

    def parse_reply(self, task: Task, text: str) -> Draft | None:
        draft: Draft | None = self._hook.parse_reply(task=task, text=text, parse=partial(self.parse_reply, task))
        return draft

    def check_draft(self, task: Task, example: Example, draft: Draft) -> tuple[Problem, ...]:
        with about(example.id) as faults:
            try:
                answers = self._hook.check_draft(task=task, example=example, draft=draft)
                # pluggy asks the core last; its layers are to be read first
                problems = [problem for answer in reversed(answers) for problem in answer or ()]
            except PASSING:
                raise
            except Exception as error:
                problems = [refused(task, "hook", "hook 'check_draft'", error)]
        return (*problems, *faults)

    def select_modality(self, modalities: Sequence[Modality], student: Shape, recipe: Recipe, device: Device) -> Choice:
        choice: Choice = self._hook.select_modality(
            modalities=modalities, student=student, recipe=recipe, device=device
        )
        return choice

    def judge_answer(self, task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
        with about(example.id) as faults:
            try:
                verdict = self._judged(task=task, example=example, draft=draft, executor=executor)
            except PASSING:
                raise
            except Exception as error:
                verdict = unjudged(task, example, error)
        return with_faults(verdict, faults)

    def _judged(self, **arguments: Any) -> Verdict:
        """The first verdict, and a note of the plugin that gave it."""
        for name, ask in self._judging:
            verdict: Verdict | None = ask(**arguments)
            if verdict is not None:
                self.judges.add(name)
                return verdict
        raise PluginError("no plugin gave a verdict")  # the core does

    @cached_property
    def _judging(self) -> list[tuple[str, Any]]:
        """Each plugin that judges, in the order of asking, with what asks it alone (and whatever wraps the hook)."""
        impls = [i for i in self._hook.judge_answer.get_hookimpls() if not (i.wrapper or i.hookwrapper)]
        return [
            (
                impl.plugin_name,
                self._manager.subset_hook_caller("judge_answer", [i.plugin for i in impls if i is not impl]),
            )
            for impl in reversed(impls)
        ]

    def judged_by(self) -> list[dict[str, str]]:
        """The plugins that gave a verdict since `judges` was cleared: name, distribution, version, digest of a file."""
        known = {info.name: info for info in self.loaded}
        core = PluginInfo(name="core", distribution="dstill", version=version("dstill"))
        return [
            {
                "name": name,
                "distribution": info.distribution,
                "version": info.version,
                **({"sha256": info.sha256} if info.sha256 else {}),
            }
            for name in sorted(self.judges)
            for info in (known.get(name, core),)
        ]

    def report_sections(self, run: RunView) -> list[Section]:
        answers: Iterable[Iterable[Section] | None] = self._hook.report_sections(run=run)
        return sorted((s for answer in answers for s in answer or ()), key=lambda s: (s.order, s.title))

    def write_report(self, run: RunView) -> Path | None:
        page: Path | None = self._hook.write_report(run=run)
        return page


def load(files: Iterable[Path] = (), disabled: Iterable[str] | None = None) -> Plugins:
    """All installed plugins but the disabled ones, then `files` (``--plugin ./my_pack.py``)."""
    off = _disabled() if disabled is None else set(disabled)
    plugins = Plugins()
    plugins.files = files = tuple(files)
    there = {point.name for point in entry_points(group=GROUP)} | {file.stem for file in files}
    plugins.unknown = sorted(off - there)
    # By name, so that the order of hook calls does not hang on the order of installation.
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        if point.name not in off:
            dist = point.dist
            info = PluginInfo(
                name=point.name,
                version=dist.version if dist else "",
                source=point.value,
                distribution=dist.name if dist else "",
            )
            try:
                module = point.load()
            except (Exception, SystemExit) as error:  # a plugin must not end the program
                plugins.fail(info, error)
                continue
            plugins.add(module, info)
    for file in files:
        if file.stem in off:
            continue
        info = PluginInfo(name=file.stem, source=str(file))
        if not file.is_file():
            raise UsageError(f"no plugin file {file}", where="--plugin", hint="name a Python file that is there")
        info = replace(info, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        try:
            module = _from_file(file)
        except (Exception, SystemExit) as error:
            plugins.fail(info, error)
            continue
        plugins.add(module, info)
    return plugins


def _refuse_unfinished(part: type[Part]) -> None:
    """What would fail later, when a run makes the part, said at load."""
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"{part.__name__} does not define {', '.join(missing)}")
    name = getattr(part, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{part.__name__}.name is {name!r}, wanted letters, digits, - and _")
    if not is_dataclass(part.Config):
        raise PluginError(f"{part.__name__}.Config is no dataclass")


def _refuse_unasked(part: type[Part]) -> None:
    """A task's method that would never be called, because the task does not inherit the protocol that has it."""
    for protocol in PROTOCOLS if issubclass(part, Task) else ():
        if not issubclass(part, protocol):
            for name in vars(protocol):
                if not name.startswith("_") and hasattr(part, name):
                    raise PluginError(
                        f"{part.__name__}.{name} would never be used: inherit dstill.api.{protocol.__name__}, too"
                    )


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get("DSTILL_DISABLE", "").split(",") if name.strip()}


def _from_file(file: Path) -> object:
    # not the bare name, which could be that of a module of Python's own
    spec = importlib.util.spec_from_file_location(f"dstill_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that dataclasses and pickling of its classes find it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def part_sections(plugins: Plugins) -> Mapping[str, type[Any]]:
    """``task.sql`` → its Config, for every part: the sections that dstill.toml may have."""
    singular = {kind: base.__name__.lower() for kind, base in KINDS.items()}
    return {
        f"{singular[kind]}.{name}": part.Config
        for kind, parts in plugins._parts.items()
        for name, (part, _) in parts.items()
    }


def _commands(group: click.Group) -> dict[click.Group, dict[str, click.Command]]:
    """The commands of `group` and of the groups below it, by group."""
    found = {group: dict(group.commands)}
    for command in group.commands.values():
        if isinstance(command, click.Group):
            found.update(_commands(command))
    return found
