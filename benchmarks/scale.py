"""Memory and time against rows: ``dstill generate`` with the replay teacher, and ``dstill evaluate``.

    python -m benchmarks.scale [--generate 1000,10000,100000] [--evaluate 1000,10000] [--out FOLDER]

Each figure is of a command in a process of its own, on sums with a rationale (tests/support/toy.py): question,
rationale, answer and context of a row are some 320 bytes in its file. ``generate`` reads all rows from a file, gets
each reply from another one, checks it, and runs those of the test split; ``evaluate`` answers and judges one split
with a student that looks answers up. Memory is the largest resident set that the kernel saw, so it has Python and
dstill in it. Writes scale.json and scale.svg, and prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

OUT = Path("build") / "scale"
TOY = Path(__file__).parents[1] / "tests" / "support" / "toy.py"
PLUGINS = {"teachers", "evaluate"}  # beside the toy
LIMIT = 2_000  # MB: the bar for a million questions
TRAINED = 100  # rows that the student of `evaluate` learns
COLOURS = ("#0072b2", "#d55e00", "#009e73")
SPLITS = (("train", 0.85), ("validation", 0.9), ("test", 1.0))


@dataclass(frozen=True, kw_only=True)
class Point:
    """One command on some rows."""

    command: str
    rows: int
    megabytes: float  # the largest resident set
    seconds: float  # from start to end
    processor: float  # seconds of all threads


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generate", default="1000,10000,100000", help="numbers of rows, with commas")
    parser.add_argument("--evaluate", default="1000,10000", help="likewise; 0: none")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(words)
    points = []
    for command, measure in (("generate", generated), ("evaluate", evaluated)):
        for rows in map(int, getattr(chosen, command).split(",")):
            for point in measure(rows) if rows else ():
                points.append(point)
                print(_line(point), flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "scale.json").write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")
    (chosen.out / "scale.svg").write_text(drawn(points))
    print("\n".join(table(points)))


# --- the commands -----------------------------------------------------------------------


def generated(rows: int) -> Iterator[Point]:
    """``generate`` of new rows."""
    with TemporaryDirectory(prefix="dstill-scale-") as folder:
        written(Path(folder) / "questions.jsonl", questions(rows))
        written(Path(folder) / "answers.jsonl", answers(rows))
        yield _measured("generate", rows, Path(folder), "generate", *TEACHING, "--out", "run")


def evaluated(rows: int) -> Iterator[Point]:
    """``evaluate`` of `rows` test questions: with the answers made, and with the answers there."""
    with TemporaryDirectory(prefix="dstill-scale-") as folder:
        place = Path(folder)
        written(place / "questions.jsonl", questions(rows + TRAINED, trained=TRAINED))
        written(place / "answers.jsonl", answers(rows + TRAINED))
        _measured("generate", rows, place, "generate", *TEACHING, "--out", "run")
        _measured("train", TRAINED, place, "train", "run", "--allow-unreviewed")
        yield _measured("evaluate", rows, place, "evaluate", "run")
        yield _measured("evaluate again", rows, place, "evaluate", "run")


TEACHING = (
    *("--teacher", "replay", "--questions", "questions.jsonl"),
    *("--set", "teacher.replay.file=answers.jsonl"),
    *("--set", "train.student=memory", "--set", "train.objective=plain"),
    *("--set", "evaluate.baselines=[]", "--set", 'evaluate.splits=["test"]'),
)


def _measured(name: str, rows: int, folder: Path, *words: str) -> Point:
    """A command that succeeds. This process is small: a child begins with the peak of its parent."""
    from importlib.metadata import entry_points

    off = sorted({point.name for point in entry_points(group="dstill")} - PLUGINS)
    environment = {**os.environ, "DSTILL_DISABLE": ",".join(off), "HOME": str(folder)}
    started = time.perf_counter()
    with open(folder / "output.txt", "w+b") as output:
        command = [sys.executable, "-m", "dstill", "--plugin", str(TOY), *words]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(words)}: {output.read().decode()[-2000:]}")
    return Point(
        command=name,
        rows=rows,
        megabytes=round(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, 1),
        seconds=round(time.perf_counter() - started, 1),
        processor=round(used.ru_utime + used.ru_stime, 1),
    )


# --- rows -------------------------------------------------------------------------------


def questions(n: int, *, trained: int | None = None) -> Iterator[Mapping[str, Any]]:
    """`n` questions, no two with one answer. `trained`: the first ones are for training, and the others for test."""
    for at, (a, b) in enumerate(_numbers(n)):
        split = _split(at) if trained is None else "train" if at < trained else "test"
        yield {
            "id": f"question-{at:07}",
            "question": f"Somebody has {a} and gets {b} more of them: how many are there then in all?",
            "category": "add" if at % 3 else "more",
            "template": f"somebody-{at % 40}",
            "split": split,
            "context": {"mapping": {"digits": 7}},
        }


def answers(n: int) -> Iterator[Mapping[str, Any]]:
    for (a, b), row in zip(_numbers(n), questions(n), strict=True):
        why = f"The question begins with {a} and asks for them together with {b}, so the two numbers are added."
        yield {"id": row["id"], "question": row["question"], "rationale": why, "answer": f"{a}+{b}"}


def _numbers(n: int) -> Iterator[tuple[int, int]]:
    return ((at + 1, at * 7919 % 1_000_003 + 1) for at in range(n))


def _split(at: int) -> str:
    drawn = random.Random(at).random()
    return next(split for split, below in SPLITS if drawn < below)


def written(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


# --- what is shown ----------------------------------------------------------------------


def table(points: Iterable[Point]) -> Iterator[str]:
    yield "| command | rows | memory, MB | seconds | processor, s |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    yield from map(_line, points)


def _line(point: Point) -> str:
    numbers = f"{point.megabytes:,.0f} | {point.seconds:,.0f} | {point.processor:,.0f}"
    return f"| {point.command} | {point.rows:,} | {numbers} |"


def drawn(points: Sequence[Point]) -> str:
    """Memory against rows as SVG, both axes logarithmic; the bar is dashed. A second `evaluate` is left out."""
    width, height, left, top, right = 640, 360, 70, 20, 40
    points = [point for point in points if not point.command.endswith("again")]
    rows = [point.rows for point in points] or [1]
    low, high = math.log10(min(rows)), max(math.log10(max(rows)), math.log10(min(rows)) + 1)

    def place(n: float, megabytes: float) -> tuple[float, float]:
        x = left + (width - left - right) * (math.log10(n) - low) / (high - low)
        return round(x, 1), round(top + (height - top - 50) * (1 - (math.log10(megabytes) - 1) / 3), 1)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">']
    lines.append(f'<rect width="{width}" height="{height}" fill="#fff"/>')
    for megabytes in (10, 100, 1_000, 10_000):
        y = place(10**low, megabytes)[1]
        lines.append(f'<path d="M{left} {y}H{width - right}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 6}" y="{y + 4}" font-size="12" text-anchor="end">{megabytes:,} MB</text>')
    for n in sorted(set(rows)):
        x, y = place(n, 10)
        lines.append(f'<text x="{x}" y="{y + 20}" font-size="12" text-anchor="middle">{n:,}</text>')
    y = place(10**low, LIMIT)[1]
    lines.append(f'<path d="M{left} {y}H{width - right}" stroke="#c00" stroke-dasharray="6 4"/>')
    lines.append(f'<text x="{left + 6}" y="{y - 6}" font-size="12" fill="#c00">{LIMIT:,} MB</text>')
    for command, colour in zip(dict.fromkeys(point.command for point in points), COLOURS, strict=False):
        found = [place(point.rows, point.megabytes) for point in points if point.command == command]
        path = "L".join(f"{x} {y}" for x, y in found)
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in found]
        x, y = found[-1]
        lines.append(f'<text x="{x - 6}" y="{y - 8}" font-size="12" fill="{colour}" text-anchor="end">{command}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    main()
