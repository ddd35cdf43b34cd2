"""What it takes to answer: a run with everything installed, and its bundle with the extra `runtime` alone.

    python -m benchmarks.runtime RUN BUNDLE "QUESTION"       # in the folder of the run's project

Makes a wheel and two virtual environments, with the versions that CI passed with. Prints a Markdown table: MB on the
disk, seconds of processor time of ``dstill predict`` from start to end (median of 5), milliseconds of processor time of
a further question in a process that has answered others (median over the run's test questions), and the largest memory.
Processor time counts all threads, so it does not depend on what else the machine does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
COLD = 5  # processes
MOST = 200  # test questions
WARM = """
import json, sys, time
from dstill.stages.predict.predictor import Predictor
from dstill.runs.bundle import open_trained

what, questions = sys.argv[1], json.loads(sys.argv[2])
with Predictor(open_trained(what)) as predictor:
    examples = [predictor.example(question) for question in questions]
    for example in examples[:10]:
        predictor.answer([example])
    times = []
    for example in examples:
        before = time.process_time()
        predictor.answer([example])
        times.append(1000 * (time.process_time() - before))
print(json.dumps(times))
"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one installation that opens a run or a bundle."""

    megabytes: float
    cold: float  # seconds
    warm: float  # milliseconds
    memory: float  # MB, of the process that answers one question


def main() -> None:
    run, bundle, question = sys.argv[1:]
    lines = (Path(run) / "dataset/data/test.jsonl").read_text(encoding="utf-8").splitlines()[:MOST]
    questions = [json.loads(line)["question"] for line in lines]
    print("| | MB installed | CPU-s, one question | CPU-ms, a further one | MB of memory |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with TemporaryDirectory() as place:
        uv("build", "--wheel", "-o", place, str(ROOT))
        (wheel,) = Path(place).glob("*.whl")
        for extra, whats in (("demo,serve", ("the run", "its bundle")), ("runtime", ("its bundle",))):
            folder = Path(place) / extra
            uv("venv", "--python", sys.executable, str(folder))
            constraints = ROOT / ".ci" / "constraints.txt"
            package = f"dstill[{extra}] @ {wheel.as_uri()}"
            uv("pip", "install", "--constraint", str(constraints), package, VIRTUAL_ENV=str(folder))
            size = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
            for what in whats:
                found = measured(folder, run if what == "the run" else bundle, question, questions, size)
                print(
                    f"| `dstill[{extra}]`, {what} | {found.megabytes:,.0f} | {found.cold:.2f} | {found.warm:.1f} "
                    f"| {found.memory:.0f} |",
                    flush=True,
                )


def uv(*words: str, **more: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), *words, "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, **more})


def measured(folder: Path, what: str, question: str, questions: list[str], size: float) -> Figures:
    cold, memory = [], 0.0
    for number in range(COLD + 1):
        seconds, kilobytes = usage([str(folder / "bin" / "dstill"), "predict", what, question])
        if number:  # the first one compiles the modules
            cold.append(seconds)
            memory = max(memory, kilobytes / 1000)
    ended = subprocess.run(
        [str(folder / "bin" / "python"), "-c", WARM, what, json.dumps(questions)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    warm = statistics.median(json.loads(ended.stdout))
    return Figures(megabytes=size, cold=statistics.median(cold), warm=warm, memory=memory)


def usage(command: list[str]) -> tuple[float, int]:
    """Seconds of processor time and the largest resident set, in kB, of a command that succeeds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 9), command
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def environment() -> dict[str, str]:
    """That of a user: modules are compiled once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    main()
