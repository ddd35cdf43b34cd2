"""Kills a run, runs it again, and checks everything that must hold then.

    with Lab(folder, SUMS) as lab:
        lab.points                                   # those that an uninterrupted run reaches, in order
        trial = lab.kill_at(Point("fsync", "run.json", "after", 2))
        trial = lab.kill_in_phase("writing", 0.4)        # at a random time of that phase, 0 its begin, 1 its end
        trial.reached, trial.phase, trial.broken     # broken: a line for each thing that does not hold

Each trial has its own project folder. One teacher process serves all of them and outlives the killed ones; it logs
what each trial asked for and paid for under that trial's path.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from support.kill.children import SECONDS, Children, line_of, python_path, started
from support.kill.points import Orders, Point

__all__ = ["IN_FLIGHT", "PHASES", "Lab", "Subject", "Trial"]

IN_FLIGHT = 4
BEFORE = "before"  # the folder with what the command before the killed one left
PHASES = ("start", "asking", "checking", "writing", "end")
WORDS = re.compile(r"[0-9a-f]{16}")  # the hash of what was asked, which each reply repeats


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is run: a plugin, project settings, the teacher's replies, and the command that is killed."""

    plugin: Path | None
    settings: Mapping[str, Any]
    replies: Callable[[], Mapping[str, Any]]
    command: tuple[str, ...] = ("generate", "--out", "run")
    before: tuple[str, ...] = ()  # a command that runs to its end first
    imported: tuple[str, ...] = ()  # modules that the command imports late, and that take long to import
    disabled: str = "finetune,torch,ray,sweep,report,evaluate,review"


@dataclass(kw_only=True)
class Trial:
    """One run that was killed, and run again."""

    folder: Path
    wanted: str
    reached: bool = False  # it was killed before it ended by itself
    phase: str = ""
    lost: int = 0  # replies that were bought and not kept
    broken: list[str] = field(default_factory=list)


class Lab:
    def __init__(self, folder: Path, subject: Subject, *, delay: float = 0.004, pause: float = 0.0) -> None:
        self.folder, self.subject, self.delay, self.pause = folder, subject, delay, pause
        self._number = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "answers.json").write_text(json.dumps(self.subject.replies()))
        self.log = self.folder / "sold.jsonl"
        words = ["--log", self.log, "--answers", self.folder / "answers.json", "--delay", self.delay]
        self._teacher = started("support.loopback_teacher", *words)
        self._children = Children(*self.subject.imported).__enter__()
        self.address = line_of(self._teacher).strip().removesuffix("/v1")
        self._run_uninterrupted()
        return self

    def __exit__(self, *error: object) -> None:
        self._children.__exit__()
        self._teacher.communicate(timeout=SECONDS)  # its standard input ends, and so does it

    # --- runs ---------------------------------------------------------------------------

    def kill_at(self, point: Point) -> Trial:
        trial = self._trial(" ".join(map(str, point)))
        self._run(trial, kill=point)
        return self._check_and_rerun(trial)

    def kill_in_phase(self, phase: str, share: float) -> Trial:
        """Kill from another process, after this share of the time that an uninterrupted run spends in the phase."""
        trial = self._trial(f"{phase} {share:.3f}")
        begin, end = self.times[phase]
        pid = self._start(trial)
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:  # ended, and waited for, before this process looked
            self._wait(trial)
            return self._check_and_rerun(trial)
        _wait_until(lambda: phase == "start" or _phase(_read(trial.folder / "trace.jsonl")) >= PHASES.index(phase))
        time.sleep(share * (end - begin))
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            signal.pidfd_send_signal(process, signal.SIGKILL)
        os.close(process)
        self._wait(trial)
        return self._check_and_rerun(trial)

    def kill_command_line(self, seconds: float) -> Trial:
        """Kill the command line itself instead of a fork, without a trace."""
        trial = self._trial(f"dstill, {seconds:.3f} s")
        command = [sys.executable, "-m", "dstill", *self._command(self.subject.command)]
        with subprocess.Popen(
            command,
            cwd=trial.folder,
            env=self._environment(trial),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            trial.reached = process.wait() == -signal.SIGKILL
        trial.phase = "not known"
        return self._check_and_rerun(trial)

    def second_command_at(self, point: Point) -> tuple[subprocess.CompletedProcess[str], int]:
        """How the command ends in a second process while the first is stopped at `point`, and the first one's id."""
        trial = self._trial("second command")
        pid = self._start(trial, kill=point, stop=True)
        _wait_until(lambda: _stopped(pid))
        second = subprocess.run(
            [sys.executable, "-m", "dstill", *self._command(self.subject.command)],
            cwd=trial.folder,
            env=self._environment(trial),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        os.kill(pid, signal.SIGKILL)
        self._wait(trial)
        return second, pid

    def _run_uninterrupted(self) -> None:
        """The uninterrupted run: its files, its points, and when each phase began."""
        trial = self._trial("whole")
        began = time.monotonic()
        status = self._run(trial)
        assert status == 0, (trial.folder / "err.txt").read_text()
        ended = time.monotonic()
        trace = _read(trial.folder / "trace.jsonl")
        self.files = {name: path.read_bytes() for name, path in _final(trial.folder / "run")}
        self.ids = set(_ids(trial.folder / "run"))
        self.points = list(_number_points(trace))
        reached = [(p["at"], _phase(trace[:n])) for n, p in enumerate(trace, start=1)]
        begins = [next(at for at, phase in reached if phase >= number) for number in range(1, len(PHASES))]
        self.times = dict(zip(PHASES, itertools.pairwise([began, *begins, ended]), strict=True))

    def _trial(self, wanted: str) -> Trial:
        self._number += 1
        folder = self.folder / f"t{self._number}"
        folder.mkdir()
        settings = {
            "generate.teacher": "openai",
            "generate.concurrency": IN_FLIGHT,
            "teacher.openai.base_url": f"{self.address}/{self._account(folder.name)}/v1",
            "teacher.openai.model": "toy",
            **self.subject.settings,
        }
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
        (folder / "dstill.toml").write_text("".join(lines))
        trial = Trial(folder=folder, wanted=wanted)
        if self.subject.before:
            self._begin_after_before(trial)
        return trial

    def _begin_after_before(self, trial: Trial) -> None:
        """The first trial runs the command that comes before, the others get a copy of what it left."""
        prepared = self.folder / BEFORE
        if not prepared.exists():
            self._start(trial, words=self.subject.before, watched=False)
            assert self._wait(trial) == 0, (trial.folder / "err.txt").read_text()
            shutil.copytree(trial.folder, prepared)
        shutil.copytree(prepared, trial.folder, dirs_exist_ok=True)

    def _account(self, trial: str) -> str:
        """The path of the teacher's log for a trial; those with a command before share what that bought."""
        return BEFORE if self.subject.before else trial

    def _command(self, words: Sequence[str]) -> list[str]:
        plugin = ["--plugin", str(self.subject.plugin)] if self.subject.plugin else []
        return [*plugin, *words]

    def _environment(self, trial: Trial) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")}
        return {
            **kept,
            "DSTILL_DISABLE": self.subject.disabled,
            "OPENAI_API_KEY": "sk-killed-0123456789",
            "PYTHONPATH": python_path(),
            "XDG_CONFIG_HOME": str(trial.folder / "config"),  # what is written there is one of the points
        }

    def _start(
        self,
        trial: Trial,
        kill: Point | None = None,
        *,
        words: Sequence[str] = (),
        stop: bool = False,
        watched: bool = True,
    ) -> int:
        orders = Orders(trace=str(trial.folder / "trace.jsonl"), kill=kill, stop=stop, pause=self.pause)
        argv = self._command(words or self.subject.command)
        environment = self._environment(trial)
        return self._children.begin(argv, cwd=trial.folder, env=environment, orders=orders if watched else None)

    def _wait(self, trial: Trial) -> int:
        status = self._children.end()
        trial.reached = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return status

    def _run(self, trial: Trial, kill: Point | None = None, *, watched: bool = True) -> int:
        self._start(trial, kill, watched=watched)
        return self._wait(trial)

    # --- what must hold -----------------------------------------------------------------

    def _check_and_rerun(self, trial: Trial) -> Trial:
        """Check what the kill left, run again, and check the result."""
        if not trial.phase:
            trial.phase = PHASES[_phase(_read(trial.folder / "trace.jsonl"))]
        kept = self._check_after_kill(trial)
        again = len(self._events(trial))  # lines of the log until here
        reached = trial.reached
        status = self._run(trial, watched=False)
        trial.reached = reached
        if status != 0:
            said = (trial.folder / "err.txt").read_text().strip().splitlines()
            trial.broken.append(f"it does not go on: {' / '.join(said[-3:])}")
            return trial
        self._check_final_files(trial)
        self._check_purchases(trial, kept, again)
        if not trial.broken:
            shutil.rmtree(trial.folder)
        return trial

    def _check_after_kill(self, trial: Trial) -> set[str]:
        """Check files, lock and store right after the kill. Returns the stored replies."""
        for name, path in _final(trial.folder / "run"):
            trial.broken += _incomplete(name, path.read_bytes(), self.files.get(name))
        lock = trial.folder / "run" / ".lock"
        if lock.exists():
            with lock.open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    trial.broken.append("the lock is still held")
        return self._stored_replies(trial)

    def _stored_replies(self, trial: Trial) -> set[str]:
        """The hashes of the replies in a copy of the store, after SQLite's own check of it."""
        copy = trial.folder / "copy"
        copy.mkdir()
        for file in trial.folder.glob("replies.sqlite*"):
            shutil.copy(file, copy)
        kept: set[str] = set()
        if (copy / "replies.sqlite").exists():
            with closing(sqlite3.connect(copy / "replies.sqlite")) as db:
                found = db.execute("PRAGMA integrity_check").fetchall()
                if found != [("ok",)]:
                    trial.broken.append(f"the store is corrupt: {found}")
                if db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'replies'").fetchone()[0]:
                    rows = db.execute("SELECT reply FROM replies").fetchall()
                    kept = {WORDS.search(json.loads(text)["text"])[0] for (text,) in rows}  # type: ignore[index]
        shutil.rmtree(copy)
        return kept

    def _check_final_files(self, trial: Trial) -> None:
        run = trial.folder / "run"
        ids = list(_ids(run))
        if twice := [id for id, n in Counter(ids).items() if n > 1]:
            trial.broken.append(f"ids twice: {twice}")
        if gaps := self.ids ^ set(ids):
            trial.broken.append(f"ids missing, or new: {sorted(gaps)}")
        there = {name: path.read_bytes() for name, path in _final(run)}
        if there.keys() != self.files.keys():
            trial.broken.append(f"files missing, or new: {sorted(there.keys() ^ self.files.keys())}")
        for name, content in there.items():
            trial.broken += _incomplete(name, content, self.files.get(name))
        if left := [path.name for path in run.rglob("*.tmp")]:
            trial.broken.append(f"temporary files left: {left}")
        self._stored_replies(trial)

    def _check_purchases(self, trial: Trial, kept: set[str], again: int) -> None:
        events = self._events(trial)
        if asked := {e["words"] for e in events[again:] if e["event"] == "asked"} & kept:
            trial.broken.append(f"asked again though kept: {len(asked)}")
        sold = Counter(e["words"] for e in events if e["event"] == "sold")
        extra = sum(n - 1 for n in sold.values())
        trial.lost = extra
        if extra > IN_FLIGHT or max(sold.values(), default=0) > 2:
            trial.broken.append(f"bought twice: {extra}, with {IN_FLIGHT} in flight")

    def _events(self, trial: Trial) -> list[dict[str, Any]]:
        return [e for e in _read(self.log) if e["path"].startswith(f"/{self._account(trial.folder.name)}/")]


# --- reading what is there --------------------------------------------------------------


def _final(run: Path) -> Iterator[tuple[str, Path]]:
    """The files at their final names, but for those that grow line by line."""
    for path in sorted(run.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.name != "log.txt":
            yield str(path.relative_to(run)), path


def _incomplete(name: str, content: bytes, whole: bytes | None) -> list[str]:
    """How a file at its final name differs from that of the uninterrupted run, if it does."""
    try:
        same = content == whole or (
            name in SAME_CONTENT and whole is not None and SAME_CONTENT[name](content) == SAME_CONTENT[name](whole)
        )
    except ValueError as error:
        return [f"{name} is not complete: {error}"]
    return [] if same else [f"{name} is not that of an uninterrupted run"]


# The parts of a file that depend neither on the trial's address nor on the clock.
SAME_CONTENT: Mapping[str, Callable[[bytes], Any]] = {
    "run.json": lambda content: json.loads(content)["name"],
    "config.toml": lambda content: tomllib.loads(content.decode()).keys(),
    "requests.jsonl": lambda content: [
        (row["id"], len(row["keys"])) for row in map(json.loads, content.split(b"\n")[:-1])
    ],
}


def _ids(run: Path) -> Iterator[str]:
    for file in [*sorted((run / "dataset" / "data").glob("*.jsonl")), run / "rejects.jsonl"]:
        for row in _read(file):
            yield row["id"]


def _read(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that may still grow."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1] if line]


def _phase(trace: Sequence[Mapping[str, Any]]) -> int:
    """The phase of the process that left this trace, by what it did last."""
    if any(p["place"] == "README.md" and (p["kind"], p["moment"]) == ("rename", "after") for p in trace):
        return 4
    for p in reversed(trace):
        if p["place"] in ("requests.jsonl", "rejects.jsonl", "README.md", "data", "dataset", "train.jsonl"):
            return 3
        if p["kind"] == "run":
            return 2
        if p["kind"] == "ask":
            return 1 if p["moment"] == "before" else 2
        if p["kind"] in ("INSERT", "COMMIT") and any(q["kind"] == "ask" for q in trace):
            return 1
    return 0


def _number_points(trace: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Point, str]]:
    """Each point with its number among its like, and its phase."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for n, p in enumerate(trace, start=1):
        key = (p["kind"], p["place"], p["moment"])
        counts[key] += 1
        yield Point(*key, counts[key]), PHASES[_phase(trace[:n])]


# --- processes --------------------------------------------------------------------------


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.001)


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "tT"
