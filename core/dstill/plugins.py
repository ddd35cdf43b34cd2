"""Finds and loads plugins, and calls their hooks with typed methods. The only module that uses pluggy.

    plugins = load()                        # dstill's own and those of installed packages
    plugins.task("sums")                    # the class that a plugin registered
    plugins.build_prompt(task, example, ()) # one method for each hook

`load` imports only the plugins' own modules. The parts are registered when the first of their kind is needed, and all
of them before the first hook call, so that ``dstill --help`` does not wait for them. The class of a part that is
declared (`dstill.api.declare`) is imported when it is used.

If a plugin or a declared class does not load, `Plugins.failures` says why, and the others still load. An installed
plugin that only brings what is chosen by name, as a task pack does, is then skipped. Any other stops the commands that
run stages: a check or a metric might be missing.
``DSTILL_DISABLE=a,b`` disables plugins, ``DSTILL_TRACE_HOOKS=1`` prints every hook call.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pluggy

from dstill import defaults, hookspecs
from dstill.errors import PluginError, UsageError, did_you_mean
from dstill.io.logs import log

if TYPE_CHECKING:
    from dstill.api.baseline import Baseline
    from dstill.api.executor import Executor
    from dstill.api.finding import Finding
    from dstill.api.metric import Metric
    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.objective import Objective
    from dstill.api.option import Option
    from dstill.api.part import Declaration, Part
    from dstill.api.recipe import Device, Recipe
    from dstill.api.records import Draft, Example, Problem, Prompt, Section, Verdict
    from dstill.api.student import Student
    from dstill.api.task import Task
    from dstill.api.teacher import Teacher
    from dstill.config import Generate
    from dstill.run_view import RunView

__all__ = ["Failure", "PluginInfo", "Plugins", "load", "part_sections", "sources"]

GROUP = "dstill"

# The hooks of a plugin that can be skipped. What others bring is used unasked, as a check or a metric is.
CHOSEN_BY_NAME = {"register_tasks", "register_executors", "register_teachers", "register_commands"}


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """Where a plugin comes from."""

    name: str  # of its entry point or file
    version: str = ""  # of its distribution
    source: str = ""  # module or file
    distribution: str = ""  # the package that brings it; empty: it is a file
    sha256: str = ""  # of that file


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A plugin that did not load, and why."""

    plugin: str
    version: str
    problem: str
    source: str = ""  # module or file
    part: str = ""  # the only part that is lost: "task 'sums'"; empty: the whole plugin

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"plugin '{self.plugin}'{version}: {self.problem} (disable it with DSTILL_DISABLE={self.plugin})"


def sources(failures: Iterable[Failure]) -> str:
    """The modules and files of what did not load, for an error's *where*."""
    return ", ".join(failure.source for failure in failures if failure.source)


class Plugins:
    """The loaded plugins: methods to find their parts, and one method for each hook."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(defaults, name="core")
        self.unknown: list[str] = []  # names in DSTILL_DISABLE that no plugin has
        self.files: tuple[Path, ...] = ()  # of --plugin, for processes that must load the same plugins
        self.are_failures_shown = False  # by the command itself: then there is no warning of what is skipped
        self.judges: set[str] = set()  # plugins that returned a verdict, since the last `judges.clear()`
        self._loaded: list[PluginInfo] = []
        self._failures: list[Failure] = []
        self._skipped: list[Failure] = []  # those of installed plugins that nobody needs who does not name them
        self._parts: dict[str, dict[str, tuple[type[Part] | Declaration, str]]] = defaultdict(dict)  # kind → name → …
        self._broken: dict[tuple[str, str], Failure] = {}  # kind and name of declared parts that did not load
        self._registered: set[tuple[str, str]] = set()  # plugin and kind
        self._commands: dict[PluginInfo, list[tuple[click.Group, str, click.Command]]] = {}  # with group and name
        self._complete = True  # whether the parts of every plugin are registered
        self._tracing = bool(os.environ.get("DSTILL_TRACE_HOOKS"))
        if self._tracing:
            self._manager.add_hookcall_monitoring(
                before=lambda name, impls, kwargs: print(
                    f"hook {name}({', '.join(kwargs)}) → {', '.join(i.plugin_name for i in reversed(impls))}",
                    file=sys.stderr,
                ),
                after=lambda *_: None,
            )

    # --- loading ------------------------------------------------------------------------

    def add(self, plugin: object, info: PluginInfo) -> None:
        """Register one plugin; its parts follow when they are needed. If that fails, add it to `failures`."""
        if self._manager.has_plugin(info.name):
            self.fail(info, PluginError(f"another plugin has the name '{info.name}', too"))
            return
        try:
            self._refuse_unmarked(plugin)
            self._manager.register(plugin, name=info.name)
            self._manager.check_pending()
        except Exception as error:  # the plugin's code may raise anything
            self._drop(info, error)
            return
        self._loaded.append(info)
        self._complete = False

    def _drop(self, info: PluginInfo, error: Exception) -> None:
        """Leave a plugin out that turned out to be unusable."""
        if self._manager.has_plugin(info.name):
            self._manager.unregister(name=info.name)
        self._loaded = [plugin for plugin in self._loaded if plugin.name != info.name]
        for kind, parts in self._parts.items():
            self._parts[kind] = {name: (part, owner) for name, (part, owner) in parts.items() if owner != info.name}
        for group, name, _ in self._commands.get(info, ()):
            group.commands.pop(name, None)
        self.skip(info, error)

    def skip(self, info: PluginInfo, error: BaseException) -> None:
        """Record that a plugin did not load. An installed one is skipped if its module shows that it may be."""
        failure = self.fail(info, error)
        is_wrong = isinstance(error, (PluginError, pluggy.PluginValidationError))  # it loads, and dstill refuses it
        if not info.distribution or is_wrong:
            return
        words = _named_in(info.source)
        if words is not None and not words & (vars(self._manager.hook).keys() - CHOSEN_BY_NAME):
            self._skipped.append(failure)

    def fail(self, info: PluginInfo, error: BaseException, part: str = "") -> Failure:
        """Record that a plugin, or only its `part`, did not load."""
        text = str(error).strip().splitlines()
        problem = f"{type(error).__name__}: {text[0] if text else ''}"
        if isinstance(error, (PluginError, pluggy.PluginValidationError)):
            problem = " ".join(text)
        if part:
            problem = f"{part} does not load: {problem}"
        failure = Failure(plugin=info.name, version=info.version, problem=problem, source=info.source, part=part)
        self._failures.append(failure)
        return failure

    def _refuse_unmarked(self, plugin: object) -> None:
        """Raise PluginError for a hook function without the marker: it would never be called."""
        for name in vars(self._manager.hook):
            if callable(getattr(plugin, name, None)) and self._manager.parse_hookimpl_opts(plugin, name) is None:
                raise PluginError(f"{name} is a hook, but is not marked with @dstill.hookimpl")

    def _of(self, kind: str) -> dict[str, tuple[type[Part] | Declaration, str]]:
        """Name → part of one kind and its plugin. The first call registers them."""
        if not self._complete:
            for info in list(self._loaded):
                self._register(info, kind)
        return self._parts[kind]

    def _register_all(self) -> None:
        if not self._complete:
            from dstill.parts import KINDS

            for info in list(self._loaded):
                for kind in KINDS:
                    self._register(info, kind)
            self._complete = True

    def _register(self, info: PluginInfo, kind: str) -> None:
        """Take one plugin's parts of one kind. A wrong one, or a name that is taken, is the plugin's failure."""
        plugin = self._manager.get_plugin(info.name)
        if (info.name, kind) in self._registered or not hasattr(plugin, f"register_{kind}"):
            return
        self._registered.add((info.name, kind))
        if self._tracing:
            print(f"hook register_{kind}() → {info.name}", file=sys.stderr)
        parts = dict(self._parts[kind])
        try:
            from dstill.parts import registered

            for part in registered(plugin, kind):
                if part.name in parts:
                    raise PluginError(
                        f"two {kind} are called '{part.name}': one of plugin '{parts[part.name][1]}', "
                        f"one of plugin '{info.name}'"
                    )
                parts[part.name] = (part, info.name)
        except Exception as error:
            self._drop(info, error)
            return
        self._parts[kind] = parts

    @property
    def loaded(self) -> list[PluginInfo]:
        """The plugins in use, sorted."""
        self._register_all()
        return self._loaded

    @property
    def failures(self) -> list[Failure]:
        """The faults of plugins, in the order of loading. Imports the class of every part."""
        list(self.parts())
        return self._failures

    @property
    def known_failures(self) -> list[Failure]:
        """Those of `failures` that are known so far: for ``--help``, which needs no part."""
        return self._failures

    def require_healthy(self) -> None:
        """Raise PluginError if a plugin did not load; for commands that run stages.

        A plugin of which a declared part does not load is healthy: only who uses that part needs it. Warns of a plugin
        that is skipped.
        """
        self._register_all()
        if failures := self.refusing:
            raise _unhealthy(*failures)
        for failure in () if self.are_failures_shown else self._skipped:
            log.warning("skipped: %s", failure, extra={"once": True})

    @property
    def refusing(self) -> list[Failure]:
        """The failures known so far that stop every command that runs stages."""
        return [failure for failure in self._failures if not failure.part and failure not in self._skipped]

    def require_complete(self) -> None:
        """Raise PluginError if a plugin is skipped; for what no other plugin has."""
        if self._skipped:
            raise _unhealthy(*self._skipped)

    # --- parts --------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        """The names of all parts of a kind (``tasks``, ``teachers`` …), sorted."""
        return sorted(self._of(kind))

    def owner(self, kind: str, name: str) -> str:
        """The name of the plugin that registered a part."""
        return self._of(kind)[name][1]

    def parts(self, *kinds: str) -> Iterator[tuple[str, type[Part]]]:
        """The parts of these `kinds`, by default of all, with their kind: those whose class loads."""
        for kind, name in self.part_names(*kinds):
            try:
                yield kind, self._named(kind, name)
            except PluginError:  # is one of `failures`
                continue

    def part_names(self, *kinds: str) -> list[tuple[str, str]]:
        """Kind and name of every part, in the order of registration."""
        from dstill.parts import KINDS

        return [(kind, name) for kind in kinds or KINDS for name in self._of(kind)]

    def fact(self, kind: str, name: str, fact: str) -> Any:
        """A fact about a part, one of `dstill.parts.FACTS`, without importing its class. Raises as `part` does."""
        from dstill import parts

        return parts.fact(self._registered_as(kind, name)[0], kind, fact)

    def part(self, kind: str, name: str) -> type[Part]:
        """The class of the part `name`.

        Raises, as the methods below, UsageError if there is none, and PluginError if it does not load.
        """
        part: type[Part] = self._named(kind, name)
        return part

    def _named(self, kind: str, name: str) -> Any:
        part, owner = self._registered_as(kind, name)
        return part if isinstance(part, type) else self._load(part, kind, owner)

    def _registered_as(self, kind: str, name: str) -> tuple[type[Part] | Declaration, str]:
        """The part that is registered under a name, and its plugin. Raises UsageError, PluginError."""
        from dstill.parts import singular

        parts = self._of(kind)
        if failure := self._broken.get((kind, name)):
            raise _unhealthy(failure)
        if name not in parts:
            if f"register_{kind}" in CHOSEN_BY_NAME:
                self.require_complete()
            known = self.names(kind)
            raise UsageError(
                f"no {singular(kind)} called '{name}'.{did_you_mean(name, known)}",
                where=f"installed: {', '.join(known) or 'none'}",
                hint="pip install a plugin that has it, or load one with --plugin FILE.py",
            )
        return parts[name]

    def _load(self, declaration: Declaration, kind: str, owner: str) -> type[Part]:
        """The class of a declared part. Raises PluginError if it does not load, and drops the part."""
        from dstill.parts import load, singular

        name = declaration.name
        try:
            part = load(declaration, kind)
        except (Exception, SystemExit) as error:
            self._parts[kind].pop(name, None)
            info = next(info for info in self._loaded if info.name == owner)
            failure = self._broken[kind, name] = self.fail(info, error, f"{singular(kind)} '{name}'")
            raise _unhealthy(failure) from error
        self._parts[kind][name] = part, owner
        return part

    def task(self, name: str) -> type[Task]:
        """The class of the task `name`."""
        part: type[Task] = self._named("tasks", name)
        return part

    def teacher(self, name: str) -> type[Teacher]:
        """The class of the teacher `name`."""
        part: type[Teacher] = self._named("teachers", name)
        return part

    def student(self, name: str) -> type[Student]:
        """The class of the student `name`."""
        part: type[Student] = self._named("students", name)
        return part

    def modality(self, name: str) -> type[Modality]:
        """The class of the modality `name`."""
        part: type[Modality] = self._named("modalities", name)
        return part

    def objective(self, name: str) -> type[Objective]:
        """The class of the objective `name`."""
        part: type[Objective] = self._named("objectives", name)
        return part

    def executor(self, name: str) -> type[Executor]:
        """The class of the executor `name`."""
        part: type[Executor] = self._named("executors", name)
        return part

    def metric(self, name: str) -> type[Metric]:
        """The class of the metric `name`."""
        part: type[Metric] = self._named("metrics", name)
        return part

    def baseline(self, name: str) -> type[Baseline]:
        """The class of the baseline `name`."""
        part: type[Baseline] = self._named("baselines", name)
        return part

    def options(self, command: str) -> dict[str, dict[str, Option]]:
        """The options that task packs add to a command: name of the option → task → the option."""
        by_flag: dict[str, dict[str, Option]] = {}
        for task in self.names("tasks"):
            for option in self.fact("tasks", task, "options"):
                if command in option.commands:
                    by_flag.setdefault(option.name, {})[task] = option
        return by_flag

    def default_task(self, names: Sequence[str]) -> str:
        """The only task of `names`, or the only one of them that is a default. Empty: there is no such task."""
        tasks = names if len(names) == 1 else [name for name in names if self.fact("tasks", name, "default")]
        return tasks[0] if len(tasks) == 1 else ""

    def default_student(self, task: str = "") -> str:
        """The student to use for `task` if none is configured: its base if it has one, else the default kind.

        An empty `task` is the default one. Returns "" if there is no such student.
        """
        tasks, students = self.names("tasks"), self.names("students")
        name = task or self.default_task(tasks)
        base: str = self.fact("tasks", name, "base") if name in tasks else ""
        if base.partition(":")[0] in students:  # the plugin with this kind may be disabled
            return base
        return next((kind for kind in students if self.fact("students", kind, "default")), "")

    def default_baselines(self) -> list[str]:
        """The baselines that ``evaluate.baselines = ["auto"]`` means, in the order of registration."""
        return [name for name in self._of("baselines") if self.baseline(name).default]

    def headline(self) -> str:
        """The name of the headline metric. Empty: no plugin has one."""
        return next((name for name in self.names("metrics") if self.metric(name).headline), "")

    def distributions(self) -> list[str]:
        """The packages whose versions run.json records: `Part.distributions` of all parts."""
        parts = self.part_names()
        return sorted({package for kind, name in parts for package in self.fact(kind, name, "distributions")})

    def meanings(self) -> dict[str, str]:
        """Name of each baseline → `Baseline.meaning`."""
        return {name: self.baseline(name).meaning for name in self.names("baselines")}

    def implementers(self, hook: str) -> list[str]:
        """The names of the plugins that implement a hook, without the core."""
        impls = getattr(self._hook, hook).get_hookimpls()
        return sorted(impl.plugin_name for impl in impls if impl.plugin is not defaults)

    # --- hooks --------------------------------------------------------------------------

    @property
    def _hook(self) -> Any:
        self._register_all()  # a plugin whose parts are refused answers no hook
        return self._manager.hook

    def register_commands(self, cli: click.Group) -> None:
        """Let each plugin add its commands. A plugin that raises or replaces a command is added to `failures`."""
        for info in list(self._loaded):
            others = [plugin for name, plugin in self._manager.list_name_plugin() if name != info.name]
            before = _commands(cli)
            try:
                self._manager.subset_hook_caller("register_commands", others)(cli=cli)
                after = _commands(cli)
                for group, known in before.items():
                    if taken := [name for name, command in known.items() if after[group].get(name) is not command]:
                        raise PluginError(f"its command '{taken[0]}' already exists")
                self._commands[info] = [
                    (group, name, command)
                    for group, known in after.items()
                    for name, command in known.items()
                    if name not in before.get(group, ())
                ]
            except Exception as error:
                for group, known in before.items():
                    group.commands.clear()
                    group.commands.update(known)
                self.fail(info, error)

    def fail_command(self, command: click.Command, error: PluginError) -> None:
        """Drop the plugin whose command does not load. Raises the error if no plugin has the command."""
        for info, owned in self._commands.items():
            if any(owner is command for _, _, owner in owned):
                if info in self._loaded:  # else another of its commands failed before
                    self._drop(info, PluginError(error.what))
                return
        raise error

    def build_prompt(
        self,
        task: Task,
        example: Example,
        shots: Sequence[Example],
        pool: Iterable[Example] = (),
        settings: Generate | None = None,
    ) -> Prompt:
        """The result of the hook `build_prompt`."""
        from dstill.config import Generate

        settings = settings or Generate()

        def build(other: Sequence[Example]) -> Prompt:
            return self.build_prompt(task, example, other, (), settings)

        prompt: Prompt = self._hook.build_prompt(
            task=task, example=example, shots=shots, pool=pool, settings=settings, build=build
        )
        return prompt

    def parse_reply(self, task: Task, text: str) -> Draft | None:
        """The result of the hook `parse_reply`."""
        draft: Draft | None = self._hook.parse_reply(task=task, text=text, parse=partial(self.parse_reply, task))
        return draft

    def is_lookup(self, teacher: str) -> bool:
        """Whether the teacher `teacher` only looks replies up; one that is not installed is assumed to be a model."""
        return teacher in self.names("teachers") and self.teacher(teacher).is_lookup

    def check_draft(self, task: Task, example: Example, draft: Draft) -> tuple[Problem, ...]:
        """The results of the hook `check_draft`. If the hook raises, a problem says so and refuses the draft."""
        from dstill.api.faults import OWN_ERRORS, about, refused

        with about(example.id) as faults:
            try:
                answers = self._hook.check_draft(task=task, example=example, draft=draft)
                # pluggy calls the core last, but its problems come first
                problems = [problem for answer in reversed(answers) for problem in answer or ()]
            except OWN_ERRORS:
                raise
            except Exception as error:
                problems = [refused(task, "hook", "hook 'check_draft'", error)]
        return (*problems, *faults)

    def select_modality(
        self, modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
    ) -> Choice:
        """The result of the hook `select_modality`."""
        choice: Choice = self._hook.select_modality(
            modalities=modalities, student=student, recipe=recipe, device=device
        )
        return choice

    def judge_answer(self, task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
        """The result of the hook `judge_answer`. If it raises, the verdict does not count."""
        from dstill.api.faults import OWN_ERRORS, about, unjudged, with_faults

        with about(example.id) as faults:
            try:
                verdict = self._judge(task=task, example=example, draft=draft, executor=executor)
            except OWN_ERRORS:
                raise
            except Exception as error:
                verdict = unjudged(task, example, error)
        return with_faults(verdict, faults)

    def _judge(self, **arguments: Any) -> Verdict:
        """The first verdict; adds the plugin that returned it to `judges`."""
        for name, call in self._judge_hooks:
            verdict: Verdict | None = call(**arguments)
            if verdict is not None:
                self.judges.add(name)
                return verdict
        raise PluginError("no plugin returned a verdict")  # cannot happen: the core does

    @cached_property
    def _judge_hooks(self) -> list[tuple[str, Any]]:
        """Each plugin that judges, in the order of calling, with a caller for it alone and for hook wrappers."""
        impls = [i for i in self._hook.judge_answer.get_hookimpls() if not (i.wrapper or i.hookwrapper)]
        return [
            (
                impl.plugin_name,
                self._manager.subset_hook_caller("judge_answer", [i.plugin for i in impls if i is not impl]),
            )
            for impl in reversed(impls)
        ]

    def check_pack(self, task: Task, examples: Sequence[Example]) -> list[Finding]:
        """The results of the hook `check_pack`."""
        answers: Iterable[Iterable[Finding] | None] = self._hook.check_pack(task=task, examples=examples)
        return [finding for answer in answers for finding in answer or ()]

    def report_sections(self, run: RunView) -> list[Section]:
        """The results of the hook `report_sections`, sorted by `Section.order`."""
        answers: Iterable[Iterable[Section] | None] = self._hook.report_sections(run=run)
        return sorted((s for answer in answers for s in answer or ()), key=lambda s: (s.order, s.title))

    def write_report(self, run: RunView) -> Path | None:
        """The result of the hook `write_report`."""
        page: Path | None = self._hook.write_report(run=run)
        return page

    def track_run(self, run: RunView, report: Path | None) -> dict[str, str]:
        """The results of the hook `track_run`: service → id of the run there."""
        answers: Iterable[Mapping[str, str] | None] = self._hook.track_run(run=run, report=report)
        return {service: identity for answer in answers for service, identity in (answer or {}).items()}


def load(files: Iterable[Path] = (), disabled: Iterable[str] | None = None) -> Plugins:
    """Load all installed plugins except the `disabled` ones, then `files` (``--plugin ./my_pack.py``).

    `disabled` None: the names in DSTILL_DISABLE. Raises UsageError if one of `files` does not exist.
    """
    off = _disabled() if disabled is None else set(disabled)
    plugins = Plugins()
    plugins.files = files = tuple(files)
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)  # hooks are called in this order
    plugins.unknown = sorted(off - {point.name for point in points} - {file.stem for file in files})
    for point in points:
        if point.name not in off:
            distribution, of_version = _name_and_version(point.dist)
            info = PluginInfo(name=point.name, version=of_version, source=point.value, distribution=distribution)
            try:
                module = point.load()
            except (Exception, SystemExit) as error:  # a plugin must not exit the program
                plugins.skip(info, error)
                continue
            plugins.add(module, info)
    for file in files:
        if file.stem in off:
            continue
        info = PluginInfo(name=file.stem, source=str(file))
        if not file.is_file():
            raise UsageError(f"no plugin file {file}", where="--plugin", hint="name an existing Python file")
        info = replace(info, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        try:
            module = _from_file(file)
        except (Exception, SystemExit) as error:
            plugins.fail(info, error)
            continue
        plugins.add(module, info)
    return plugins


@cache
def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution. Cached, because each call parses the package's metadata."""
    return (distribution.name, distribution.version) if distribution else ("", "")


def _named_in(source: str) -> set[str] | None:
    """The words in a plugin's module, without importing it. None: its hooks may be written elsewhere.

    `source` is the value of its entry point.
    """
    module, _, attribute = source.partition(":")
    file = _file_of(module)
    if attribute or file is None or file.suffix != ".py":
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    return None if "import *" in text else set(re.findall(r"\w+", text))


def _file_of(module: str) -> Path | None:
    package, *below = module.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin else None
    paths = [Path(folder, *below) for folder in spec.submodule_search_locations or ()]
    files = [file for path in paths for file in (path / "__init__.py", path.with_suffix(".py"))]
    return next((file for file in files if file.is_file()), None)


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get("DSTILL_DISABLE", "").split(",") if name.strip()}


def _from_file(file: Path) -> object:
    # with a prefix, because a module of Python could have the same name
    spec = importlib.util.spec_from_file_location(f"dstill_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look it up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _unhealthy(*failures: Failure) -> PluginError:
    return PluginError(
        "; ".join(map(str, failures)),
        where=sources(failures),
        hint="repair or disable it; `dstill pack list` shows all plugins",
    )


def part_sections(plugins: Plugins) -> Mapping[str, type[Any]]:
    """The sections of all parts in dstill.toml: ``task.sums`` → its `Config`. A part loads when its section is read."""
    return _Sections(plugins)


class _Sections(Mapping[str, type[Any]]):
    """Raises PluginError for the section of a part that does not load."""

    def __init__(self, plugins: Plugins) -> None:
        from dstill.parts import KINDS, singular

        self._plugins = plugins
        self._names = {f"{singular(kind)}.{name}": (kind, name) for kind, name in plugins.part_names()}
        self._kinds = {singular(kind) for kind in KINDS if f"register_{kind}" in CHOSEN_BY_NAME}

    def __getitem__(self, section: str) -> type[Any]:
        if section not in self._names and section.partition(".")[0] in self._kinds:
            self._plugins.require_complete()
        return self._plugins.part(*self._names[section]).Config

    def __contains__(self, section: object) -> bool:
        return section in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _commands(group: click.Group) -> dict[click.Group, dict[str, click.Command]]:
    """The commands of `group` and of the groups in it, by group."""
    groups = {group: dict(group.commands)}
    for command in group.commands.values():
        if isinstance(command, click.Group):
            groups.update(_commands(command))
    return groups
