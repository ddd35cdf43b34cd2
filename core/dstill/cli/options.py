"""Options that several commands share, and how commands get their settings.

`App` is ``ctx.obj`` of every command. It holds the loaded plugins and the flags of this call by dotted key: an option
made with `setting` stores its value there.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dstill.cli.console import note
from dstill.cli.groups import Command, Group
from dstill.errors import FailedItems, PluginError, UsageError
from dstill.plugins import Failure, Plugins, part_sections, sources

if TYPE_CHECKING:
    from dstill.api.option import Option, OptionValue
    from dstill.api.part import Part
    from dstill.config import Config
    from dstill.runs.run import Run
    from dstill.stages.predict.answerable import Answerable

__all__ = [
    "App",
    "Count",
    "PartOption",
    "cap_options",
    "choose_teacher",
    "complete_parts",
    "constrain_option",
    "data_option",
    "engine_url_option",
    "fallback_options",
    "json_option",
    "json_output",
    "limit_option",
    "listen_options",
    "load_data_option",
    "max_wrong_option",
    "pass_app",
    "run_argument",
    "set_option",
    "setting",
    "student_option",
    "teacher_option",
    "with_pack_options",
]

F = TypeVar("F", bound=Callable[..., Any])
SHELLS = ("bash", "zsh", "fish")


@dataclass
class App:
    """The context of every command: the plugins, and the settings that this call gives."""

    plugins: Plugins
    config_file: Path | None = None
    flags: dict[str, Any] = field(default_factory=dict)
    given: dict[str, OptionValue] = field(default_factory=dict)  # option of a task pack, as "--schema" → its meaning
    given_texts: dict[str, str] = field(default_factory=dict)  # … → its value, as the user wrote it

    @property
    def context(self) -> dict[str, Any]:
        """The context that options of task packs give to the questions and answers of this call."""
        return {key: value for part in self.given.values() for key, value in part.context.items()}

    def default(self, key: str) -> Any:
        """The default of a configuration key; None if there is no such key."""
        from dstill import config as configuration

        if key == "train.student":
            return self.plugins.default_student()
        if key.partition(".")[0] in configuration.PARTS:
            return configuration.load(use_files=False, sections=part_sections(self.plugins)).value(key)
        return self._core_defaults.get(key)

    @cached_property
    def _core_defaults(self) -> Mapping[str, Any]:
        from dstill import config as configuration

        return configuration.load(use_files=False).flat()

    def config(self, extra: Mapping[str, Any] | None = None, *, use_files: bool = True) -> Config:
        """The merged configuration. Flags override `extra`.

        With ``use_files=False``, dstill.toml and the environment are not read. Raises PluginError if a plugin did not
        load, and ConfigError.
        """
        from dstill import config as configuration

        self.plugins.require_healthy()
        return configuration.load(
            self.config_file,
            use_files=use_files,
            flags={**(extra or {}), **self.flags},
            sections=part_sections(self.plugins),
        )

    def failures(self) -> Sequence[Failure]:
        """Everything that is wrong with plugins, including their commands and options, for a command that shows it."""
        self.plugins.are_failures_shown = True
        group = click.get_current_context().find_root().command
        if isinstance(group, Group):
            for command, error in group.load():
                self.plugins.fail_command(command, error)
        return self.plugins.failures

    def end_with_failures(self, failures: Sequence[Failure]) -> None:
        """End with exit code 3 and name these plugins: for commands that work although a plugin did not load."""
        if failures:
            raise FailedItems(
                "\n".join(map(str, failures)),
                where=sources(failures),
                hint="repair or disable what is named; the other plugins work",
            )

    def words(self, *omitted: str) -> list[str]:
        """The words that give another command the server and settings of this call, without the keys `omitted`."""
        of_packs = {key for part in self.given.values() for key in part.settings}
        words = [word for flag, text in self.given_texts.items() for word in (flag, text)]
        for key, value in self.flags.items():
            if key in ("engine.url", "train.student", "project.task"):
                words = [f"--{key.rpartition('.')[2].replace('url', 'engine-url')}", str(value), *words]
            elif key not in of_packs | set(omitted):
                words += ["--set", f"{key}={json.dumps(value, ensure_ascii=False)}"]
        return words

    def note_unknown(self) -> None:
        """Warn about names in DSTILL_DISABLE that are not installed."""
        for name in self.plugins.unknown:
            note(f"note: DSTILL_DISABLE names '{name}', which is not installed")

    def open_trained(self, run: str | Path) -> Answerable:
        """Open an existing run or a bundle, to ask its student. This call's flags override its own configuration."""
        from dstill.runs.bundle import open_trained

        return open_trained(run, flags=self.flags, plugins=self.plugins)

    def open(self, run: str | Path) -> Run:
        """Open an existing run. This call's flags override its own configuration."""
        from dstill.runs.run import Run

        return Run.open(run, flags=self.flags, plugins=self.plugins)


pass_app = click.make_pass_decorator(App)


class Count(click.IntRange):
    """A whole number in a range. The error names the range, the help does not: most limits only stop nonsense."""

    name = "integer"

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"'{value}' is not a whole number from {self.min} to {self.max}", param, ctx)

    def _describe_range(self) -> str:
        return ""


class Number(click.FloatRange):
    """A number in a range that the help does not show."""

    name = "number"

    def _describe_range(self) -> str:
        return ""


class Setting(click.Option):
    """An option that stands for a configuration key; its help names the key and the default of that key."""

    def __init__(self, *args: Any, key: str, **attributes: Any) -> None:
        super().__init__(*args, callback=self._keep, expose_value=False, default=None, **attributes)
        self.key = key

    def _keep(self, ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value not in (None, ()):
            ctx.find_object(App).flags[self.key] = value  # type: ignore[union-attr]

    def get_help_extra(self, ctx: click.Context) -> Any:
        """The default of the configuration key, for the help."""
        extra = super().get_help_extra(ctx)
        app = ctx.find_object(App)
        value = app.default(self.key) if app else None
        if value is None or value in ("", []) or isinstance(value, bool) or self._means_unset(value):
            return extra
        extra["default"] = f"{self.key}, else {', '.join(value) if isinstance(value, list) else value}"
        return extra

    def _means_unset(self, value: Any) -> bool:
        """Whether the default is a number that the option does not take, such as 0 for no limit."""
        return isinstance(self.type, click.IntRange) and self.type.min is not None and value < self.type.min


def setting(*names: str, key: str, **attributes: Any) -> Callable[[F], F]:
    """An option that stands for a configuration key: ``setting("--seed", key="project.seed")``."""
    return click.option(*names, key=key, **{"cls": Setting, **attributes})


def complete_parts(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Shell completion over the names of one kind of part."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        app = ctx.find_object(App)
        return [n for n in app.plugins.names(kind) if n.startswith(incomplete)] if app else []

    return complete


class PartOption(Setting):
    """An option that takes the name of a part. Its help says what each installed part is; completion lists them."""

    def __init__(self, *arguments: Any, parts: str, **attributes: Any) -> None:
        super().__init__(*arguments, shell_complete=complete_parts(parts), **attributes)
        self.parts = parts

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, with a sentence about each installed part before the default."""
        record, app = super().get_help_record(ctx), ctx.find_object(App)
        if not record or not app:
            return record
        text, bracket, default = record[1].partition("  [")
        about = sorted(_sentence(part) for _, part in app.plugins.parts(self.parts))
        return record[0], " ".join([text, *about]) + bracket + default


def _sentence(part: type[Part]) -> str:
    """As ``lora: trains low-rank adapters on a frozen base.`` in help."""
    about = described(part).rstrip(".")
    return f"{part.name}: {about[:1].lower()}{about[1:]}."


class _Data(click.Option):
    """``--data``. Its help says what each installed task calls its data."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, with the noun of each task."""
        record, app = super().get_help_record(ctx), ctx.find_object(App)
        if not record or not app:
            return record
        nouns = [f"{app.plugins.fact('tasks', task, 'data_noun')} ({task})" for task in app.plugins.names("tasks")]
        return record[0], record[1].replace("data that", f"{' or '.join(nouns)} that", 1) if nouns else record[1]


def data_option(what: str, default: str) -> Callable[[F], F]:
    """``--data``. `what`: the end of "Name of the data that"; `default`: what holds without it."""
    return click.option("--data", cls=_Data, metavar="NAME", help=f"Name of the data that {what}. {default}")


class _Teacher(PartOption):
    def _keep(self, ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            choose_teacher(ctx.find_object(App), value)  # type: ignore[arg-type]


def choose_teacher(app: App, text: str) -> None:
    """Set the teacher ``NAME[:MODEL]``. Raises UsageError."""
    from dstill.factory import teacher_settings

    app.flags.update(teacher_settings(app.plugins, text))


def _assign(ctx: click.Context, _: click.Parameter, values: tuple[str, ...]) -> None:
    from dstill.config import parse_assignment

    for text in values:
        key, value = parse_assignment(text)
        ctx.find_object(App).flags[key] = value  # type: ignore[union-attr]


set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_assign,
    expose_value=False,
    help="Set any configuration key, for example --set train.r=8 (repeatable).",
)
task_option = setting(
    "--task",
    key="project.task",
    metavar="NAME",
    help="Task to use. Default: project.task, else the one that takes the address of the engine, else the one that "
    "`dstill pack list` calls the default.",
)
seed_option = setting("--seed", key="project.seed", type=Count(0, 2**32 - 1), help="Random seed.")


def engine_url_option(use: str, *, default: str = "engine.url, else the task's embedded engine") -> Callable[[F], F]:
    """``--engine-url``. `use`: what the server is for; `default`: what is used without the option."""
    about = f"{use}.{f' Default: {default}.' if default else ''} If it needs an API key: --set "
    about += "engine.api_key_env=VARIABLE, the name of an environment variable that holds the key."
    return setting("--engine-url", key="engine.url", metavar="URL", help=about)


def load_data_option(why: str) -> Callable[[F], F]:
    """``--load-data``. `why`: the beginning of its help."""
    return click.option(
        "--load-data",
        is_flag=True,
        help=f"{why} to the server of --engine-url under a new name (dstill-…), and remove it at the end. Existing "
        "data is not changed.",
    )


def json_output(help: str) -> Callable[[F], F]:
    """``--json`` of a command that prints other lines than one object at the end."""
    return click.option("--json", "as_json", is_flag=True, help=help)


json_option = json_output("Print the result as one JSON object on the last line.")
run_argument = click.argument("run", metavar="RUN")
student_option = setting(
    "--student",
    key="train.student",
    cls=PartOption,
    parts="students",
    metavar="KIND[:BASE]",
    help="Kind of student, and the model that it starts from.",
)
limit_option = click.option(
    "--limit",
    type=Count(1, 1_000_000),
    default=20,
    metavar="ROWS",
    help="Rows of each table of a result to show. With --json, all of them are there.",
)
constrain_option = setting(
    "--constrain/--no-constrain",
    key="evaluate.constrain",
    help="Let the student write only what the task's grammar allows. Later checks can still fail. "
    "Default: evaluate.constrain, off unless set.",
)

max_wrong_option = click.option(
    "--max-wrong",
    type=float,
    metavar="SHARE",
    help="Abstain where more than this share of the answers would be wrong, for example 0.2. The cut is chosen on "
    "answers that people judged (`dstill calibrate`). Default: give every answer.",
)
_FALLBACK = (
    click.option(
        "--fallback",
        default="",
        show_default=False,
        metavar="TEACHER:MODEL",
        help="Ask this large model, for example openai:gpt-5-mini, where the student abstains and where the checks "
        "refuse its answer. It sees the question, the description of the data and worked examples of training. Needs "
        "--max-wrong. Default: ask nobody.",
    ),
    setting("--shots", key="evaluate.shots", type=Count(0, 50), help="Worked examples in each prompt of --fallback."),
    setting(
        "--max-usd",
        key="evaluate.max_usd",
        type=float,
        metavar="USD",
        help="Maximum total cost of the replies of --fallback, in USD, over all commands that asked it for this run. "
        "Default: no limit.",
    ),
    setting(
        "--max-total-tokens",
        key="evaluate.max_tokens",
        type=Count(1, 10**12),
        help="Maximum total tokens of its prompts and replies. Default: no limit.",
    ),
)


def fallback_options(command: F) -> F:
    """The options that name a large model to fall back on, and limit what it may cost."""
    for option in reversed(_FALLBACK):
        command = option(command)
    return command


_LISTEN = (
    click.option("--port", type=Count(0, 65535), default=8000, help="Port to listen on. 0: any free port."),
    click.option(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="Address to listen on. One that other machines can reach requires --token-env.",
    ),
    click.option(
        "--token-env",
        default="",
        show_default=False,
        metavar="NAME",
        help="Environment variable that holds the access token. Default: no token.",
    ),
)


def listen_options(command: F) -> F:
    """The options of a server: its address, and the token that clients must send."""
    for option in reversed(_LISTEN):
        command = option(command)
    return command


teacher_option = setting(
    "--teacher",
    key="generate.teacher",
    cls=_Teacher,
    parts="teachers",
    metavar="NAME[:MODEL]",
    help="Teacher, and its model if it has one, for example openai:gpt-5-mini.",
)
# --- options of task packs --------------------------------------------------------------

NO_FILE = ("init", "demo", "adapt")  # commands that read no dstill.toml
SEVERAL_TASKS = ("check",)  # commands that use the task of each file, except with --format answers or jsonl
BY_ANSWER = ("answers", "jsonl")  # formats of `check` with a line for each answer, all of one task


def with_pack_options(plugins: Plugins, name: str, command: click.Command) -> click.Command:
    """The command `name`, as "data questions", with the options that task packs add to it (`Task.options`).

    An option that the command has already is a failure of the pack's plugin.
    """
    options = plugins.options(name)
    taken = {flag for param in command.params for flag in param.opts}
    for flag in taken & options.keys():
        for task in options.pop(flag):
            owner = next(info for info in plugins.loaded if info.name == plugins.owner("tasks", task))
            plugins.fail(owner, PluginError(f"`dstill {name}` has an option {flag} of its own"))
    return _with_options(name, command, options) if options else command


def _with_options(name: str, command: click.Command, options: Mapping[str, Mapping[str, Option]]) -> click.Command:
    values: dict[str, str] = {}

    def keep(_: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is not None:
            values[param.opts[0]] = value

    def added(flag: str, of: Mapping[str, Option]) -> click.Option:
        tasks: dict[str, list[str]] = {}  # of each help text
        for task, option in of.items():
            tasks.setdefault(option.help, []).append(task)
        about = " ".join(f"{help} (task {' or '.join(names)} only)" for help, names in tasks.items())
        metavar = next(iter(of.values())).metavar
        return click.Option([flag], metavar=metavar, help=about, expose_value=False, callback=keep)

    assert command.callback is not None
    run = command.callback

    @functools.wraps(run)
    def callback(*arguments: Any, **named: Any) -> Any:
        app = click.get_current_context().find_object(App)
        assert app is not None
        for flag, text in values.items():
            is_one_task = name not in SEVERAL_TASKS or named.get("form") in BY_ANSWER
            value = _option_in_use(app, name, flag, options[flag], is_one_task=is_one_task).read(text)
            app.given[flag], app.given_texts[flag] = value, text
            app.flags.update(value.settings)
        return run(*arguments, **named)

    copied = copy.copy(command)
    at = next((n for n, param in enumerate(command.params) if "--task" in param.opts), len(command.params))
    copied.params = [*command.params]
    copied.params[at:at] = [added(flag, of) for flag, of in options.items()]
    copied.callback = callback
    if isinstance(copied, Command):
        calls = (option.examples.get(name, "") for of in options.values() for option in of.values())
        copied.examples = (*filter(None, calls), *copied.examples)
    return copied


def _option_in_use(app: App, command: str, flag: str, of: Mapping[str, Option], *, is_one_task: bool) -> Option:
    """The option `flag` of the task in use. If no task is named, the task that has the option is. Raises UsageError.

    `of`: task → its option. `is_one_task`: the command is about one task, which the option then chooses.
    """
    from dstill.factory import possible_tasks, task_name

    settings = app.config(use_files=command not in NO_FILE).settings
    possible = possible_tasks(app.plugins, settings) or [task_name(app.plugins, settings)]
    takers = [name for name in possible if name in of]
    if name := app.plugins.default_task(takers):
        if is_one_task and name != app.plugins.default_task(possible):
            app.flags["project.task"] = name
        return of[name]
    raise UsageError(
        f"several tasks have the option {flag}" if takers else f"task '{possible[0]}' has no option {flag}",
        where=flag,
        hint=f"it is an option of {', '.join(of)}: choose one with --task NAME, or omit {flag}",
    )


_CAPS = (
    setting(
        "--max-usd",
        key="generate.max_usd",
        type=float,
        metavar="USD",
        help="Maximum total cost of the teacher's replies, in USD. Needs a known price. Default: no limit.",
    ),
    setting(
        "--max-total-tokens",
        key="generate.max_tokens",
        type=Count(1, 10**12),
        help="Maximum total tokens of prompts and replies. Default: no limit.",
    ),
    setting(
        "--max-requests",
        key="generate.max_requests",
        type=Count(1, 10**9),
        help="Maximum number of requests to the teacher. Default: no limit.",
    ),
    setting(
        "--max-wall",
        key="generate.max_wall",
        type=float,
        metavar="SECONDS",
        help="Send no new requests after this many seconds of this command. Default: no limit.",
    ),
)


def cap_options(command: F) -> F:
    """The options that limit what a teacher's replies may cost."""
    for option in reversed(_CAPS):
        command = option(command)
    return command


def described(part: type[Part]) -> str:
    """The first line of a part's docstring."""
    return (part.__doc__ or "").strip().split("\n")[0]
