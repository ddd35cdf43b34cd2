"""One trial: a run of its own on another run's dataset, trained and scored in a process of its own.

    trials = Trials(run, split="validation")
    trial = trials.trial({"train.modality": "lora", "train.r": 8})
    trials.run(trial)   →   Result(name="modality-lora-r-8-3f2a91c0", accuracy=Score(…), seconds=61.2, …)
    with closing(finished(trials, [first, second, …], jobs=2)) as results:     # several at once
        for result in results: …

A process of its own: so the peak memory is the trial's alone, and one that runs out of memory
takes nothing else with it. A trial's name is a digest of all that decides its outcome (the
resolved settings, the bytes of the dataset); settings that its modality or objective ignores
are no part of that, so a full fine-tuning is not done again for every LoRA rank.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generator, Iterable, Mapping, Sequence

from dstill import config as configuration
from dstill import trust
from dstill.api.modality import Modality
from dstill.api.objective import Objective
from dstill.api.records import SPLITS, Row, Score
from dstill.api.splits import split_name
from dstill.errors import ConfigError, DstillError, RunError, did_you_mean
from dstill.io.shell import command
from dstill.pipeline import review
from dstill.runs.provenance import sha256
from dstill.runs.run import Run
from dstill_sweep.parent_watch import leash

__all__ = ["COMMAND", "Result", "Trial", "Trials", "do", "finished", "short"]

FOLDER = "trials"
STUDENT = "student"
COMMAND = "run-trial"
GRACE = 60.0  # seconds that a stopped trial has to save its checkpoint
# Where its data came from (which is told by digest), how a run is shown and how fast it goes: of no weight here.
UNDECIDING = re.compile(
    r"train\.(threads|save_steps|save_total_limit|auto_find_batch_size|probe|report_to)|generate\.|review\.|teacher\."
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    name: str
    changes: Mapping[str, Any]  # dotted key → value, before the parent's own settings
    flags: Mapping[str, Any] = field(repr=False)  # the changes, and what every trial gets


@dataclass(frozen=True, kw_only=True)
class Result(Row):
    """What a trial came to. Seconds are of training alone; memory is the peak above what the process held before."""

    name: str
    changes: Mapping[str, Any]
    error: str = ""  # why there is nothing else; empty: it is finished
    accuracy: Score | None = None
    steps: int = 0
    seconds: float = 0.0
    peak_memory: int = 0  # bytes
    trained_parameters: int = 0

    @property
    def accuracy_value(self) -> float:
        return 0.0 if self.accuracy is None else self.accuracy.value or 0.0


class Trials:
    """The trials of `parent`, scored on `split` and on the sets `beside` it. Several threads may call `run`.

    `fixed`: settings of every trial, whatever the parent's are.
    """

    def __init__(
        self, parent: Run, *, split: str, beside: Sequence[str] = (), fixed: Mapping[str, Any] | None = None
    ) -> None:
        trust.require(parent.config)  # once for all trials, which ask for the same
        split = split_name(split, "--split")
        if split not in SPLITS:
            raise ConfigError(f"no split '{split}'.{did_you_mean(split, SPLITS)}", where="--split")
        if not parent.records(split):
            raise RunError(
                f"run '{parent.name}' has no rows to score trials on: {split} is empty",
                where=str(parent.folder / "dataset"),
                hint=f"`{command('generate', '--out', parent.folder)}` makes the dataset; --split names another set",
            )
        self.parent, self.split, self.beside, self.fixed = parent, split, beside, fixed or {}
        # one for all trials, also for one that an engine was away from: accuracies of two kinds are no ranking
        self.metric = "executable_accuracy" if parent.task.executors else "exact_match"
        self.folder = parent.folder / FOLDER
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def trial(self, changes: Mapping[str, Any]) -> Trial:
        """A trial by its changes. Raises ConfigError for a key or a value that is none."""
        changes = configuration.current(changes, self.parent.config)
        flags = {**self.fixed, **changes, "evaluate.splits": [self.split, *self.beside], "evaluate.baselines": []}
        flat = self.parent.config_with(flags).flat()
        ignored = self._ignored(flat)
        kept = {key: value for key, value in changes.items() if key not in ignored}
        decides = {k: v for k, v in flat.items() if k not in ignored and not UNDECIDING.match(k)}
        data = {n: f["sha256"] for n, f in self.parent.manifest["files"].items() if n.startswith("dataset/")}
        if (decisions := self.parent.folder / review.FILE).exists():
            data[review.FILE] = sha256(decisions)
        digest = hashlib.sha256(json.dumps([decides, data], sort_keys=True, default=str).encode()).hexdigest()
        words = "-".join(f"{key.rpartition('.')[2]}-{short(value)}" for key, value in sorted(kept.items()))
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.")[:80]
        return Trial(name=f"{slug}-{digest[:8]}".lstrip("-"), changes=kept, flags=flags)

    def _ignored(self, flat: Mapping[str, Any]) -> set[str]:
        """The keys that this trial's modality and objective do nothing with."""
        plugins = self.parent.plugins
        parts: list[type[Modality] | type[Objective]] = [plugins.objective(flat["train.objective"])]
        if flat["train.modality"] != "auto":
            parts.append(plugins.modality(flat["train.modality"]))
        return {f"train.{key}" for part in parts for key in part.ignores}

    def run(self, trial: Trial) -> Result:
        """Train and score `trial`, or what is missing of that. Never raises for what a trial does."""
        folder = self.folder / trial.name
        try:
            run = self._opened(trial, folder)
            if not self._finished(run):
                self._set_as_now(trial, run)
                if error := self.done(folder):
                    return Result(name=trial.name, changes=trial.changes, error=error)
                run = self._read(folder)
            return self._result(trial, run)
        except (DstillError, OSError) as error:
            return Result(name=trial.name, changes=trial.changes, error=str(error).splitlines()[0])

    def known(self, trial: Trial) -> Result | None:
        """What `trial` came to, where it is finished."""
        with contextlib.suppress(DstillError, OSError):
            run = self._read(self.folder / trial.name)
            if self._finished(run):
                return self._result(trial, run)
        return None

    def training(self, trial: Trial) -> Mapping[str, Any]:
        """What run.json says of the training of `trial`, which is finished."""
        facts: Mapping[str, Any] = self._read(self.folder / trial.name).manifest["stages"]["train"]
        return facts

    def drop_weights(self, name: str) -> None:
        """The student of a finished trial goes; its scores, verdicts and predictions stay."""
        shutil.rmtree(self.folder / name / STUDENT, ignore_errors=True)

    def _opened(self, trial: Trial, folder: Path) -> Run:
        with contextlib.suppress(DstillError):
            run = self._read(folder)
            if run.has_dataset:
                return run
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed while it made the folder
        folder.parent.mkdir(exist_ok=True)
        return self.parent.branch(folder, flags=trial.flags)

    def _set_as_now(self, trial: Trial, run: Run) -> None:
        """What is no part of a trial's name is as it is asked for now: an error may have advised it."""
        asked = self.parent.config_with(trial.flags).flat()
        now = {key: value for key, value in asked.items() if UNDECIDING.match(key) and value is not None}
        if any(run.config.flat()[key] != value for key, value in now.items()):
            run.config = run.config_with(now)
            run.save_settings()

    def _read(self, folder: Path) -> Run:
        return Run.open(folder, plugins=self.parent.plugins)

    def done(self, folder: Path) -> str:
        """What is missing of a trial, done in a process of its own; why that failed, or nothing."""
        plugins = [word for file in self.parent.plugins.files for word in ("--plugin", str(file))]
        trusted = ["--trusted"] if self.parent.config.trusted else []
        command = [sys.executable, "-P", "-m", "dstill", *plugins, COMMAND, str(folder), "--follow", "--json", *trusted]
        err = folder / "trial.err"
        with leash() as end:
            with err.open("w") as stderr, self._lock:
                if self._stopped:
                    return "stopped"
                # a session of its own: Ctrl-C comes to it from `stop` alone, once
                process = subprocess.Popen(
                    command, stdin=end, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
                )
                self._running.add(process)
            out, _ = process.communicate()
        with self._lock:
            self._running.discard(process)
            if self._stopped:
                return "stopped"
        return "" if process.returncode == 0 else _why(process.returncode, out, err)

    def stop(self) -> None:
        """End every trial that is under way: it keeps a checkpoint, and no other begins."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()  # taken as Ctrl-C, which is ignored where a script began the sweep in the background
        deadline = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def _finished(self, run: Run) -> bool:
        """Whether it is trained, and its evaluation says something of `split`."""
        return _is_done(run, "train") and _is_done(run, "evaluate") and not self._unscored(run)

    def _unscored(self, run: Run) -> str:
        """Why the evaluation of `run` gives no result, or nothing."""
        evaluated = run.manifest["stages"]["evaluate"]
        if evaluated["invalid"]:
            return f"its evaluation is invalid: {evaluated['invalid']}"
        scores = evaluated["scores"]["student"].get(self.split, {})  # a person may have scored it on another set
        measured = scores.get(self.metric, {}).get("value") is not None
        return "" if measured else f"nothing of {self.split} could be scored"

    def _result(self, trial: Trial, run: Run) -> Result:
        if error := self._unscored(run):
            return Result(name=trial.name, changes=trial.changes, error=error)
        trained, evaluated = run.manifest["stages"]["train"], run.manifest["stages"]["evaluate"]
        return Result(
            name=trial.name,
            changes=trial.changes,
            accuracy=Score.from_row(evaluated["scores"]["student"][self.split][self.metric]),
            steps=trained["steps"],
            seconds=trained["training_seconds"],
            peak_memory=trained["peak_memory"],
            trained_parameters=trained["trained_parameters"],
        )


def finished(trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
    """Trials in the order in which they are ready, `jobs` at once; of two of one name one is run.

    Closed early, as by Ctrl-C, it stops those that are under way.
    """
    with ThreadPoolExecutor(jobs) as pool:
        try:
            unique = {trial.name: trial for trial in wanted}
            for future in as_completed([pool.submit(trials.run, trial) for trial in unique.values()]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            trials.stop()
            raise


def do(run: Run) -> None:
    """What is missing of the trial in `run`, in this process."""
    if not _is_done(run, "train") or not (run.folder / STUDENT).exists():
        run.train()
    run.evaluate()


def _is_done(run: Run, stage: str) -> bool:
    return "seconds" in run.manifest["stages"].get(stage, {})


def short(value: Any) -> str:
    """A setting's value for people: numbers to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _why(code: int, out: str, err: Path) -> str:
    """What a failed command said: its error as JSON, or else how the process ended."""
    try:
        return str(json.loads(out.splitlines()[-1])["error"]["message"])
    except (IndexError, KeyError, TypeError, ValueError):
        ended = f"killed by signal {-code}, as for want of memory" if code < 0 else f"exit {code}"
        return f"{ended}; see {err}"
