"""Trials: runs on the dataset of a parent run, each trained and scored in a separate process.

    trials = Trials(run, split="validation")
    trial = trials.trial({"train.modality": "lora", "train.r": 8})
    trials.run(trial)   →   Result(name="modality-lora-r-8-3f2a91c0", accuracy=Score(…), seconds=61.2, …)
    with closing(run_trials(trials, [first, second, …], jobs=2)) as results:     # two at the same time
        for result in results: …

With separate processes, the measured peak memory is that of one trial, and a trial that runs out of memory does not
affect the others. A trial's name contains a digest of everything that determines its result: the resolved settings and
the dataset's content. Settings that its modality or objective ignores are not part of the digest, so full fine-tuning
is not repeated for every LoRA rank.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstill import trust
from dstill.api.modality import Modality
from dstill.api.objective import Objective
from dstill.api.records import SPLITS, Row, Score
from dstill.errors import ConfigError, DstillError, RunError, did_you_mean
from dstill.io.plain_files import sha256
from dstill.io.shell import command
from dstill.quality import review
from dstill.runs.run import Run
from dstill_sweep.parent_watch import parent_pipe

__all__ = ["COMMAND", "Result", "Trial", "Trials", "complete", "run_trials", "short"]

FOLDER = "trials"
STUDENT = "student"
COMMAND = "run-trial"
GRACE = 60.0  # seconds for a stopped trial to save its checkpoint
# Settings that do not change a trial's result: the origin of its data (the digest covers the data itself), reporting
# and speed.
NO_EFFECT = re.compile(
    r"train\.(threads|save_steps|save_total_limit|auto_find_batch_size|probe|report_to|report_student_mb)|generate\.|review\.|teacher\."
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A point of the search space."""

    name: str
    changes: Mapping[str, Any]  # dotted key → value, overriding the parent's settings
    flags: Mapping[str, Any] = field(repr=False)  # the changes and the settings of every trial


@dataclass(frozen=True, kw_only=True)
class Result(Row):
    """The result of a trial."""

    name: str
    changes: Mapping[str, Any]
    error: str = ""  # why the trial failed; empty: it succeeded
    accuracy: Score | None = None
    steps: int = 0
    seconds: float = 0.0  # of training
    peak_memory: int = 0  # bytes during training, in addition to what the process used before
    trained_parameters: int = 0

    @property
    def accuracy_value(self) -> float:
        return 0.0 if self.accuracy is None else self.accuracy.value or 0.0


class Trials:
    """The trials of `parent`. `run` is thread-safe.

    Args:
        parent: the run whose dataset is used.
        split: the split that trials are scored on.
        extra_splits: further splits to evaluate.
        fixed: settings of every trial, which override the parent's.

    Raises ConfigError for an unknown split and RunError for an empty one.
    """

    def __init__(
        self, parent: Run, *, split: str, extra_splits: Sequence[str] = (), fixed: Mapping[str, Any] | None = None
    ) -> None:
        trust.require(parent.config)  # once: all trials use the same settings
        if split not in SPLITS:
            raise ConfigError(f"no split '{split}'.{did_you_mean(split, SPLITS)}", where="--split")
        if not parent.records(split):
            raise RunError(
                f"run '{parent.name}' has no rows to score trials on: split {split} is empty",
                where=str(parent.folder / "dataset"),
                hint=f"`{command('generate', '--out', parent.folder)}` makes the dataset; --split sets another",
            )
        self.parent, self.split, self.extra_splits, self.fixed = parent, split, extra_splits, fixed or {}
        # The same for all trials: a trial without an engine must not be ranked by another metric.
        self.metric = "executable_accuracy" if parent.task.executors else "exact_match"
        self.folder = parent.folder / FOLDER
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def trial(self, changes: Mapping[str, Any]) -> Trial:
        """The trial with these changes. Raises ConfigError for an unknown key or an invalid value."""
        flags = {**self.fixed, **changes, "evaluate.splits": [self.split, *self.extra_splits], "evaluate.baselines": []}
        flat = self.parent.config.with_flags(flags).flat()
        ignored = self._ignored(flat)
        effective = {key: value for key, value in changes.items() if key not in ignored}
        settings = {k: v for k, v in flat.items() if k not in ignored and not NO_EFFECT.match(k)}
        data = {n: f["sha256"] for n, f in self.parent.manifest["files"].items() if n.startswith("dataset/")}
        if (decisions := self.parent.folder / review.FILE).exists():
            data[review.FILE] = sha256(decisions)
        digest = hashlib.sha256(json.dumps([settings, data], sort_keys=True, default=str).encode()).hexdigest()
        words = "-".join(f"{key.rpartition('.')[2]}-{short(value)}" for key, value in sorted(effective.items()))
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.")[:80]
        return Trial(name=f"{slug}-{digest[:8]}".lstrip("-"), changes=effective, flags=flags)

    def _ignored(self, flat: Mapping[str, Any]) -> set[str]:
        """The keys that the modality and the objective ignore."""
        plugins = self.parent.plugins
        parts: list[type[Modality] | type[Objective]] = [plugins.objective(flat["train.objective"])]
        if flat["train.modality"] != "auto":
            parts.append(plugins.modality(flat["train.modality"]))
        return {f"train.{key}" for part in parts for key in part.ignores}

    def run(self, trial: Trial) -> Result:
        """Train and score `trial` unless it is finished. A failure becomes `Result.error`."""
        folder = self.folder / trial.name
        try:
            run = self._open_or_create(trial, folder)
            if not self._finished(run):
                self._update_settings(trial, run)
                if error := self.complete(folder):
                    return Result(name=trial.name, changes=trial.changes, error=error)
                run = self._open(folder)
            return self._result(trial, run)
        except (DstillError, OSError) as error:
            return Result(name=trial.name, changes=trial.changes, error=str(error).splitlines()[0])

    def finished_result(self, trial: Trial) -> Result | None:
        """The result of `trial` if it is finished, else None."""
        with contextlib.suppress(DstillError, OSError):
            run = self._open(self.folder / trial.name)
            if self._finished(run):
                return self._result(trial, run)
        return None

    def training_facts(self, trial: Trial) -> Mapping[str, Any]:
        """The facts about training in the run.json of a finished trial."""
        return self._open(self.folder / trial.name).stages["train"]

    def drop_weights(self, name: str) -> None:
        """Delete the student of a finished trial; its scores, verdicts and predictions remain."""
        self.parent.remove_folder(f"{FOLDER}/{name}/{STUDENT}")

    def _open_or_create(self, trial: Trial, folder: Path) -> Run:
        with contextlib.suppress(DstillError):
            run = self._open(folder)
            if run.has_dataset:
                return run
        return self.parent.branch_below(f"{FOLDER}/{trial.name}", flags=trial.flags)

    def _update_settings(self, trial: Trial, run: Run) -> None:
        """Set what is not part of a trial's name as it is now: the user may have changed it after an error."""
        wanted = self.parent.config.with_flags(trial.flags).flat()
        now = {key: value for key, value in wanted.items() if NO_EFFECT.match(key) and value is not None}
        if any(run.config.flat()[key] != value for key, value in now.items()):
            run.config = run.config.with_flags(now)
            run.save_settings()

    def _open(self, folder: Path) -> Run:
        return Run.open(folder, plugins=self.parent.plugins)

    def complete(self, folder: Path) -> str:
        """Train and score the trial in `folder` in a separate process. Returns the error, empty if it succeeded."""
        plugins = [word for file in self.parent.plugins.files for word in ("--plugin", str(file))]
        trusted = ["--trusted"] if self.parent.config.trusted else []
        command = [sys.executable, "-P", "-m", "dstill", *plugins, COMMAND, str(folder), "--follow", "--json", *trusted]
        err = f"{FOLDER}/{folder.name}/trial.err"
        with parent_pipe() as stdin:
            with self.parent.open_output(err) as stderr, self._lock:
                if self._stopped:
                    return "stopped"
                # In a new session, Ctrl-C does not reach the trial directly: `stop` ends it.
                process = subprocess.Popen(
                    command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
                )
                self._running.add(process)
            out, _ = process.communicate()
        with self._lock:
            self._running.discard(process)
            if self._stopped:
                return "stopped"
        return "" if process.returncode == 0 else _error_of(process.returncode, out, self.parent.folder / err)

    def stop(self) -> None:
        """Stop all running trials, which save a checkpoint, and start no others."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()  # not SIGINT, which a process ignores if a script started the sweep in the background
        deadline = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def _finished(self, run: Run) -> bool:
        """Whether the trial is trained and scored on `split`."""
        return _is_done(run, "train") and _is_done(run, "evaluate") and not self._unscored(run)

    def _unscored(self, run: Run) -> str:
        """Why the evaluation of `run` has no result; empty if it has one."""
        evaluated = run.stages["evaluate"]
        if evaluated["invalid"]:
            return f"its evaluation is invalid: {evaluated['invalid']}"
        scores = evaluated["scores"]["student"].get(self.split, {})  # the user may have evaluated it on another split
        measured = scores.get(self.metric, {}).get("value") is not None
        return "" if measured else f"no answer to {self.split} could be scored"

    def _result(self, trial: Trial, run: Run) -> Result:
        if error := self._unscored(run):
            return Result(name=trial.name, changes=trial.changes, error=error)
        trained, evaluated = run.stages["train"], run.stages["evaluate"]
        return Result(
            name=trial.name,
            changes=trial.changes,
            accuracy=Score.from_row(evaluated["scores"]["student"][self.split][self.metric]),
            steps=trained["steps"],
            seconds=trained["training_seconds"],
            peak_memory=trained["peak_memory"],
            trained_parameters=trained["trained_parameters"],
        )


def run_trials(trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
    """Run trials, `jobs` at the same time, and yield results as they finish. Trials with the same name are run once.

    Closing the generator early, for example after Ctrl-C, stops the running trials.
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


def complete(run: Run) -> None:
    """Train and score the trial `run` in this process, as far as that was not done yet."""
    if not _is_done(run, "train") or not (run.folder / STUDENT).exists():
        run.train()
    run.evaluate()


def _is_done(run: Run, stage: str) -> bool:
    return "seconds" in run.stages.get(stage, {})


def short(value: Any) -> str:
    """The value of a setting for people: numbers with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _error_of(code: int, out: str, err: Path) -> str:
    """The error of a failed trial: from its JSON output, else from its exit code."""
    try:
        return str(json.loads(out.splitlines()[-1])["error"]["message"])
    except (IndexError, KeyError, TypeError, ValueError):
        reason = f"killed by signal {-code}, perhaps out of memory" if code < 0 else f"exit code {code}"
        return f"{reason}; see {err}"
