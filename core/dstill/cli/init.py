"""The command `init`: writes a dstill.toml, or a whole project about the user's own data.

    dstill init                                                          # dstill.toml
    dstill init --engine-url http://127.0.0.1:9200 --out logs            # and files about the data on that server

The task decides what is read from the server and which files it goes to (`DataProfile.describe`, `Task.options`).
Settings of --set are written to dstill.toml too, so that later commands use them. Secrets are never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dstill import config as configuration
from dstill import trust
from dstill.api.engine import ProjectFiles
from dstill.cli.console import say
from dstill.cli.groups import Command
from dstill.cli.options import App, engine_url_option, pass_app, set_option, student_option, task_option, teacher_option
from dstill.config import FILE, as_toml
from dstill.errors import UsageError
from dstill.factory import Setup, address_forms, kind_and_base, task_name
from dstill.io.files import write_text
from dstill.io.shell import quoted
from dstill.plugins import Plugins, part_sections
from dstill.stages.predict.live_data import describe

__all__ = ["init", "write_project"]

HEAD = "# `dstill config show --origin` lists every key, its value and its origin.\n"
ORDER = ("project", "generate", "task", "train", "evaluate", "engine")  # of the tables in the file


@click.command(
    cls=Command,
    section="Start",
    examples=["dstill init", "dstill init --teacher openai:gpt-5-mini --student hf:Qwen/Qwen3-0.6B"],
)
@engine_url_option("Read a description of your data from this server. Nothing is written there", default="")
@teacher_option
@student_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("."), help="Folder of the project.")
@task_option
@set_option
@pass_app
def init(app: App, out: Path) -> None:
    """Create a project: write a dstill.toml.

    With --engine-url, the project is about your own data: init reads a description of it from the server (its fields
    and common values) and writes it next to dstill.toml. Run generate, train and evaluate in that folder.
    """
    target = out / FILE
    if target.exists():
        raise UsageError(f"{target} already exists", where=str(out.absolute()), hint="edit it, or delete it first")
    config = app.config(use_files=False)
    if teacher := app.flags.get("generate.teacher"):
        app.plugins.teacher(teacher)  # raises UsageError for a misspelt one, and so does the next
    if student := app.flags.get("train.student"):
        app.plugins.student(kind_and_base(app.plugins, student)[0])
    name = task_name(app.plugins, config.settings)
    engine = config.settings.engine
    if app.given and not engine.url:
        option = next(iter(app.given))
        forms = address_forms(app.plugins, name)
        hint = f"add --engine-url URL (an address with {forms})" if forms else ""
        raise UsageError(f"{option} needs the address of your data", where=option, hint=hint)
    config = app.config({"project.task": name}, use_files=False)
    setup = Setup(app.plugins, config)
    project = describe(setup) if engine.url else ProjectFiles(files={}, settings={})
    write_project(setup, project, out)
    for line in project.about:
        say(line)
    say(f"wrote {', '.join(str(out / file) for file in (*project.files, FILE))} for task '{name}'")
    enter = "" if out == Path(".") else f"cd {quoted(out)} && "
    say(f"next: {enter}dstill generate --out runs/first")


def write_project(setup: Setup, project: ProjectFiles, out: Path) -> None:
    """Write dstill.toml and the files of `project`. Raises UsageError if one is there already."""
    for file in project.files:
        if (out / file).exists():
            raise UsageError(
                f"{out / file} already exists", where=str(out.absolute()), hint="choose another folder with --out"
            )
    for file, text in project.files.items():
        write_text(out / file, text)
    target = out / FILE
    write_text(target, _text(setup.plugins, setup.task.name, project, setup.config.from_flags()))
    written = configuration.load(target, environment={}, sections=part_sections(setup.plugins))
    trust.allow_written(replace(written, file=None), target, relative_to=out)


def _text(plugins: Plugins, name: str, project: ProjectFiles, flags: Mapping[str, Any]) -> str:
    """The text of dstill.toml: defaults of a new project, overridden by the task's settings, then by flags."""
    student = str(flags.get("train.student", plugins.default_student(name)))
    values: dict[str, Any] = {
        "project.task": name,
        "project.seed": 0,
        "generate.teacher": "synthetic",  # the one that needs no key
        **project.settings,
        **({"train.student": student} if student else {}),
        "train.modality": "auto",
    }
    kind, base = kind_and_base(plugins, student)
    scratch = [kind for kind in plugins.names("students") if plugins.fact("students", kind, "default")]
    if kind in plugins.names("students"):  # of a pretrained model the recipe is empty: `train` uses a preset
        values |= plugins.student(kind).recipe
        values |= plugins.task(name).schema_settings if plugins.student(kind).reads_prompts else {}
    if not student or (kind in scratch and not base):
        values |= project.recipe
    values |= flags
    ordered = dict(sorted(values.items(), key=_place))
    about = "".join(f"# {line}\n" for line in project.about)
    return f"{HEAD}{about}\n{as_toml(ordered)}"


def _place(item: tuple[str, Any]) -> tuple[int, str]:
    """The sort key of a setting: tables in `ORDER`, each before its subtables. Within a table the order stays."""
    section = item[0].partition(".")[0]
    return ORDER.index(section) if section in ORDER else len(ORDER), item[0].rpartition(".")[0]
