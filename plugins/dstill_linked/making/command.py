"""The command `pack base`: a base of the student ``linked`` for a task pack of any language."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from dstill.api.form import Form
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, complete_parts, json_option, pass_app, seed_option
from dstill.errors import UsageError, did_you_mean
from dstill.io.shell import command
from dstill.trust import PACKAGED
from dstill_linked.making.curve import write_curve
from dstill_linked.making.data import data_of, form_of
from dstill_linked.making.publishing import exact, new_rows, publish
from dstill_linked.making.training import Schedule, new_model, train, write_start
from dstill_linked.making.transfer import transferred
from dstill_linked.model import LinkedModel
from dstill_linked.saving import FILE, read_model
from dstill_linked.vocabulary import Vocabulary

__all__ = ["pack_base", "starting_model"]


@click.command("base", cls=Command, examples=["dstill pack base mine", "dstill pack base mine --start base:plans"])
@click.argument("name", shell_complete=complete_parts("tasks"))
@click.option("--hours", type=click.FloatRange(0, 1000), default=2.0, help="Hours before the learning rate falls.")
@click.option("--decay", type=click.FloatRange(0, 100), default=0.4, help="Hours in which it falls to 0.")
@click.option("--processes", type=Count(1, 256), default=os.cpu_count() or 1, help="Processes, of one thread each.")
@click.option("--start", metavar="base:NAME|FOLDER", help="Base of any task, or student, whose weights come first.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Checkpoints [default: build/base/NAME].")
@seed_option
@json_option
@pass_app
def pack_base(
    app: App,
    name: str,
    hours: float,
    decay: float,
    processes: int,
    start: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make a base for a task pack: a small student that knows the language.

    NAME is the task. It learns the questions that the pack's form replays (Form.replay), for hours on the CPU. A
    stopped command continues; with more --hours, a finished one does, too. Then it is scored on 1,000 new questions,
    and written in 8 bits, with a card, to the folder that Form.bases has for NAME, or to OUT/base.
    """
    out = out or Path("build/base") / name
    source = partial(data_of, name, app.plugins.files)
    about = source()
    into = about.form.bases.get(name, out / "base")
    if start and not (out / "state.json").is_file():
        write_start(out, _started(app, start, about.form), Vocabulary.of(about.form))
    schedule = Schedule(hours=hours, decay=decay, processes=processes, seed=app.config().settings.project.seed)
    with progress() as report:
        state = train(source, out, schedule, report)
    rows = list(new_rows(about.form))
    publish(out / "student", into, about, rows)
    write_curve(into / "curve.svg", state.curve)
    right = exact(read_model(into, about.form)[0], rows)
    if as_json:
        emit({"task": name, "base": str(into), "seconds": round(state.seconds), "rows": state.rows, "exact": right})
        return
    say(f"{into}: {100 * right:.1f} % of {len(rows):,} new questions are answered as their makers do")
    note(f"to train from it: {command('train', '…', '--student', f'linked:{into}')}")


def starting_model(folder: Path, form: Form, target: Form) -> LinkedModel:
    """A model for the form `target` with the weights of the student in `folder`, which reads and writes `form`."""
    vocabulary = Vocabulary.of(target)
    model = new_model(vocabulary)
    known = read_model(folder, form)[0].state_dict()
    model.load_state_dict(transferred(known, Vocabulary.of(form), model.state_dict(), vocabulary))
    return model


def _started(app: App, start: str, target: Form) -> LinkedModel:
    """The first weights: of a student of this form, or of a base of any task."""
    if not start.startswith(PACKAGED):
        if not (Path(start) / FILE).is_file():
            raise UsageError(f"there is no student in {start}", where="--start", hint="base:NAME, or a folder")
        return read_model(Path(start), target)[0]
    wanted, known = start.removeprefix(PACKAGED), list[str]()
    for task in app.plugins.names("tasks"):
        if (form := form_of(app.plugins, task)) is not None:
            known += form.bases
            if wanted in form.bases:
                return starting_model(form.bases[wanted], form, target)
    raise UsageError(f"no task has a base '{wanted}'.{did_you_mean(wanted, known)}", where="--start")
