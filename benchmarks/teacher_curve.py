"""How many questions of a teacher a student needs: scores after 0 to 600 of them, on questions that were written apart.

    python -m benchmarks.teacher_curve                                     # two indices, two databases, three seeds
    python -m benchmarks.teacher_curve --data festival --seeds 0 --numbers 300
    python -m benchmarks.teacher_curve --page docs/teaching.md --picture docs/pictures/teacher-curve.svg

    festival     seed 0    600 questions (471 learnt)   right 45 of 56 (80.4 %)   476 s

Each student is trained as by ``dstill adapt --teacher replay:FILE --teacher-questions N``, from the pack's base, on
data that the base never saw and with the recorded questions of the pack (``bundle/recorded``). It is scored on the
questions about these data in ``bundle/handwritten``, which nothing is trained on: executable accuracy on the data
alone, without a second look. 0: the base.

What is scored is kept in ``--out``, and the same command continues. A student takes three to eight minutes of one core.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from benchmarks.people import write_table
from tools.base import pack

from dstill import Run, plugins
from dstill.factory import STUDENT
from dstill.io.jsonl import read_rows
from dstill.runs.taught import TEACH, taught_run, teach
from dstill_linked.making.scoring import answered, linked_setup

__all__ = ["DATA", "NUMBERS", "Point", "main"]

NUMBERS = (0, 50, 150, 300, 600)
OUT = Path("build") / "teacher-curve"
ROWS = "rows.jsonl"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


@dataclass(frozen=True, kw_only=True)
class Point:
    """A student and its score."""

    data: str
    seed: int
    questions: int  # that the teacher was asked for
    learnt: int
    right: int
    of: int
    seconds: float

    def __str__(self) -> str:
        share = f"{self.right} of {self.of} ({100 * self.right / self.of:.1f} %)"
        asked = f"{self.questions:4} questions ({self.learnt} learnt)"
        return f"{self.data:12} seed {self.seed}   {asked}   right {share}   {self.seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description="Score students that learnt 0 to 600 questions of a teacher")
    parser.add_argument("--data", default=",".join(DATA), help=f"default: {','.join(DATA)}")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--numbers", default=",".join(map(str, NUMBERS)), help="of questions")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default: {OUT}")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", type=Path, help="write the table into this page, docs/teaching.md")
    parser.add_argument("--picture", type=Path, help="draw the curves into this SVG")
    arguments = parser.parse_args()
    out = arguments.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    names, seeds, numbers = (value.split(",") for value in (arguments.data, arguments.seeds, arguments.numbers))
    measure = partial(_measured, out, [int(n) for n in numbers])
    jobs = [(name, int(seed)) for seed in seeds for name in names]
    with ProcessPoolExecutor(arguments.processes) as pool:
        for _ in pool.map(measure, jobs):
            pass
    points = list(_points(out))
    if arguments.page:
        write_table(arguments.page, "teacher curve", table(points))
    if arguments.picture:
        arguments.picture.write_text(drawn(points), encoding="utf-8")


# --- students ---------------------------------------------------------------------------


def _measured(out: Path, numbers: Sequence[int], job: tuple[str, int]) -> None:
    """Train and score the students of one data set and seed that are not scored yet."""
    name, seed = job
    task, server = DATA[name]
    done = {(point.data, point.seed, point.questions) for point in _points(out)}
    missing = [n for n in numbers if (name, seed, n) not in done]
    if not missing:
        return
    loaded = plugins.load()
    about = pack.load(task)
    setup, examples = linked_setup(about), about.held_out[name]()
    project = out / f"{name}-{seed}"
    with server(name, out) as place:
        if not (project / "dataset.done").exists():
            shutil.rmtree(project, ignore_errors=True)
            _run("init", *place, "--out", project, "--set", f"project.seed={seed}")
            _run("generate", "--out", "runs/adapted", folder=project)
            (project / "dataset.done").touch()
        with contextlib.chdir(project):
            for n in missing:
                started = time.monotonic()
                learnt, folder = _taught(loaded, place, task, name, n) if n else (0, about.folder)
                _, verdicts = answered(setup, folder, examples)
                point = Point(
                    data=name,
                    seed=seed,
                    questions=n,
                    learnt=learnt,
                    right=sum(verdict.correct for verdict in verdicts),
                    of=len(examples),
                    seconds=round(time.monotonic() - started, 1),
                )
                print(point, flush=True)
                with (out / ROWS).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(point)) + "\n")


def _run(*words: object, folder: Path | None = None) -> None:
    subprocess.run([sys.executable, "-m", "dstill", *map(str, words)], cwd=folder, check=True, capture_output=True)


def _taught(loaded: plugins.Plugins, place: Sequence[str], task: str, name: str, n: int) -> tuple[int, Path]:
    """The rows that were learnt of `n` questions of the teacher, and the student."""
    folder = Path("runs") / f"taught-{n}"
    shutil.rmtree(folder, ignore_errors=True)
    recorded = Path(f"{name}.jsonl").absolute()  # away from the other names of values, which the curve is without
    recorded.write_bytes((files(f"dstill_{task}") / "bundle" / "recorded" / recorded.name).read_bytes())
    flags = {
        "adapt.teacher": "replay",
        "teacher.replay.file": str(recorded),
        "adapt.teacher_questions": n,
        "engine.url": place[1],
        "train.threads": 1,
        "train.report_to": "none",
    }
    parent = Run.open(Path("runs/adapted"), flags={"engine.url": place[1]}, plugins=loaded)
    run = taught_run(parent, folder, flags)
    teach(run, resume="")
    run.train(allow_unreviewed=True)
    return run.stages[TEACH]["train"], folder / STUDENT


# --- data -------------------------------------------------------------------------------


@contextlib.contextmanager
def _index(name: str, out: Path) -> Iterator[Sequence[str]]:
    """The index on an embedded server."""
    from dstill_querydsl.bundle.indices import bundled
    from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
    from dstill_querydsl.engines.rules import OWN_PREFIX

    index = bundled(name)
    with EmbeddedEngine() as engine:
        LoadedIndex.load(engine, OWN_PREFIX + name, index.mapping, index.documents(), index.settings, now=index.now)
        yield "--engine-url", engine.settings.url, "--index", OWN_PREFIX + name


@contextlib.contextmanager
def _database(name: str, out: Path) -> Iterator[Sequence[str]]:
    """The database in a DuckDB file."""
    import duckdb

    from dstill_sql.bundle import database
    from dstill_sql.language.database.database import Rows

    path = out / f"{name}.duckdb"
    if not path.exists():
        part, bundled = path.with_suffix(f".part{os.getpid()}"), database(name, "duckdb")
        assert isinstance(bundled.data, Rows)
        with duckdb.connect(part) as connection:
            connection.execute(bundled.schema.ddl())
            for table_name, cells in bundled.data.read().items():
                rows = [list(row) for row in cells]
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f'INSERT INTO "{table_name}" VALUES ({marks})', rows)
        part.replace(path)
    yield "--engine-url", f"duckdb:///{path}"


Server = Callable[[str, Path], contextlib.AbstractContextManager[Sequence[str]]]  # gives the options that find the data
# Bundled data that no base was trained on: their pack, and a server that has them.
DATA: Mapping[str, tuple[str, Server]] = {
    "birdstrikes": ("querydsl", _index),
    "festival": ("sql", _database),
    "factbook": ("querydsl", _index),
    "flights": ("sql", _database),
}


# --- results ----------------------------------------------------------------------------


def _points(out: Path) -> Iterator[Point]:
    if (out / ROWS).exists():
        for _, row in read_rows(out / ROWS):
            yield Point(**row)


def curves(points: Sequence[Point]) -> dict[str, dict[int, list[float]]]:
    """Data set → number of questions → right, in %, one for each seed."""
    shares: dict[str, dict[int, list[float]]] = {}
    for point in sorted(points, key=lambda point: (list(DATA).index(point.data), point.questions, point.seed)):
        shares.setdefault(point.data, {}).setdefault(point.questions, []).append(100 * point.right / point.of)
    return shares


def table(points: Sequence[Point]) -> list[str]:
    """The means over the seeds, with the lowest and the highest, as lines of Markdown."""
    numbers = sorted({point.questions for point in points})
    lines = [
        f"| | n | {' | '.join(f'{n} questions' for n in numbers)} |",
        f"| --- | ---: |{' --- |' * len(numbers)}",
    ]
    sizes = {point.data: point.of for point in points}
    for name, by_number in curves(points).items():
        cells = [f"`{name}`", f"{sizes[name]}", *(_cell(by_number.get(n, [])) for n in numbers)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(shares: Sequence[float]) -> str:
    if not shares:
        return "–"
    mean = sum(shares) / len(shares)
    return f"{mean:.1f}" + (f" ({min(shares):.1f}–{max(shares):.1f})" if min(shares) < max(shares) else "")


def drawn(points: Sequence[Point]) -> str:
    """The curves as an SVG: a line through the means, a band from the lowest to the highest seed."""
    import io

    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "dstill", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        axes = figure.subplots()
        for (name, by_number), colour in zip(curves(points).items(), COLOURS, strict=False):
            numbers = list(by_number)
            means = [sum(shares) / len(shares) for shares in by_number.values()]
            lows, highs = ([pick(shares) for shares in by_number.values()] for pick in (min, max))
            axes.plot(numbers, means, marker="o", color=colour, label=f"{name} ({DATA[name][0]})")
            axes.fill_between(numbers, lows, highs, color=colour, alpha=0.15, linewidth=0)
        axes.set_xticks(NUMBERS)
        axes.set_xlabel("questions of a teacher")
        axes.set_ylabel("right on questions written apart, %")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


if __name__ == "__main__":
    main()
