"""`dstill experiment sweep`: trials in separate processes, the Pareto front, and resuming."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from support.untrusted_folder import plant, ran

from dstill.api.records import Score
from dstill.config import assignment, parse_assignment
from dstill.errors import ConfigError, Interrupted, UsageError
from dstill.plugins import load
from dstill.runs.folder import data_file
from dstill.runs.run import Run
from dstill_sweep.space import Range, read_space
from dstill_sweep.sweeping import front, sweep
from dstill_sweep.trials import Result, Trial, Trials

TOY = Path(__file__).parents[2] / "support" / "toy.py"
LEARNER = Path(__file__).parent / "learner.py"
NOEXEC = Path(__file__).parent / "noexec.py"
Cli = Callable[..., Any]
Trainings = Callable[[], list[str]]
GRID = """
[space]
train.modality = ["whole", "part"]
train.r = [8, 16]
"train.learning_rate" = [0.25, 1.0]
"""


def _space(text: str) -> Path:
    file = Path("space.toml")
    file.write_text(text)
    return file


def _sweep(cli: Cli, space: str, *words: object) -> Any:
    return cli("experiment", "sweep", "run", _space(space), "--split", "test", *words)


def _last_object(ended: Any) -> dict[str, Any]:
    return dict(json.loads(ended.out.splitlines()[-1]))


def test_every_combination_runs_once_and_finished_trials_are_reused(forking_cli: Cli, trainings: Trainings) -> None:
    ended = _sweep(forking_cli, GRID, "--jobs", 2, "--json")
    assert ended.code == 0, ended.err
    facts = _last_object(ended)
    # `whole` ignores the rank: 2 of it, and 4 of `part`
    assert len(facts["trials"]) == 6 == len(trainings())
    by_rate = {row["changes"]["train.learning_rate"]: row["accuracy"]["value"] for row in facts["trials"]}
    assert by_rate[1.0] > by_rate[0.25]
    best = next(row for row in facts["trials"] if row["name"] == facts["best"])
    assert best["changes"]["train.learning_rate"] == 1.0
    assert facts["front"][0] == best["name"]

    assert _last_object(_sweep(forking_cli, GRID, "--json"))["trials"] == facts["trials"]
    assert len(trainings()) == 6
    more = _sweep(forking_cli, GRID.replace("8, 16", "8"), "--json")
    assert len(_last_object(more)["trials"]) == 4
    assert len(trainings()) == 6  # a part of the space, and all of it known
    _sweep(forking_cli, GRID.replace("8, 16", "32"))
    assert len(trainings()) == 8  # the two of the new rank


def test_changed_dataset_is_a_new_trial(forking_cli: Cli, trainings: Trainings, project: Path) -> None:
    plant(project)  # trials import nothing from the current folder
    space = "[space]\ntrain.r = [8]\n"
    assert _sweep(forking_cli, space).code == 0
    run = Run.open("run", plugins=load([TOY, LEARNER]))
    run.write(data_file("train"), run.records("train")[:5])
    run.save()
    assert _sweep(forking_cli, space).code == 0
    assert len(trainings()) == 2
    assert not ran(project)


# the trials of the second are processes of their own, as a user's are
FAILED = [
    ("forking_cli", 1, "the loss is NaN"),
    pytest.param("sweep_cli", 2, "killed by signal 9, perhaps out of memory", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("trials", "rank", "why"), FAILED)
def test_failed_trial_is_named_and_others_continue(
    trials: str, rank: int, why: str, trainings: Trainings, request: pytest.FixtureRequest
) -> None:
    cli: Cli = request.getfixturevalue(trials)
    space = f"[space]\ntrain.r = [{rank}, 8]\n"
    ended = _sweep(cli, space, "--json")
    assert ended.code == 3
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert why in lines[-1]["error"]["hint"]
    rows = {row["changes"]["train.r"]: row for row in lines[-2]["trials"]}
    assert why in rows[rank]["error"]
    assert rows[8]["accuracy"]["value"] > 0
    assert rows[rank]["name"] not in lines[-2]["front"]
    _sweep(cli, space)
    assert [line.split()[1] for line in trainings()].count(str(rank)) == 2  # only this one runs again
    assert len(trainings()) == 3


def test_sweep_without_a_successful_trial_is_an_error(forking_cli: Cli) -> None:
    ended = _sweep(forking_cli, "[space]\ntrain.r = [1]\n")
    assert ended.code == 4
    assert "all trials failed" in ended.err
    assert "the loss is NaN" in ended.err


def test_trials_waiting_for_a_review_resume_when_it_is_not_required(forking_cli: Cli) -> None:
    words = ("[space]\ntrain.r = [4]\n", "--set")
    ended = _sweep(forking_cli, *words, "review.required=always")
    assert ended.code == 4
    assert "nobody has reviewed the dataset" in ended.err
    ended = _sweep(forking_cli, *words, "review.required=never")
    assert ended.code == 0, ended.err


def test_hint_of_a_failed_trial_works(forking_cli: Cli) -> None:
    words = ("[space]\ntrain.r = [5]\n",)
    ended = _sweep(forking_cli, *words)
    assert (ended.code, "out of memory" in ended.err) == (4, True)
    ended = _sweep(forking_cli, *words, "--set", "train.auto_find_batch_size=true")
    assert ended.code == 0, ended.err


def test_trial_that_failed_in_evaluation_keeps_its_student(
    forking_cli: Cli, trainings: Trainings, project: Path
) -> None:
    words = ("[space]\ntrain.r = [4, 8]\n", "--set", "engine.name=moody")
    (project / "shut").touch()
    ended = _sweep(forking_cli, *words)
    assert (ended.code, "moody is shut" in ended.err) == (4, True)
    assert len(list((project / "run" / "trials").glob("*/student"))) == 2
    shutil.rmtree(next((project / "run" / "trials").glob("r-8*")) / "student")  # as a user might to free disk space
    (project / "shut").unlink()
    ended = _sweep(forking_cli, *words)
    assert ended.code == 0, ended.err
    assert [line.split()[1] for line in trainings()].count("4") == 1
    assert len(trainings()) == 3


def test_invalid_evaluation_is_a_failed_trial(forking_cli: Cli, trainings: Trainings, project: Path) -> None:
    words = ("[space]\ntrain.r = [4]\n", "--set", "engine.name=moody")
    (project / "away").touch()
    ended = _sweep(forking_cli, *words)
    assert (ended.code, "its evaluation is invalid: the engine could not be asked" in ended.err) == (4, True)
    (project / "away").unlink()
    ended = _sweep(forking_cli, *words, "--json")
    assert ended.code == 0, ended.err
    assert _last_object(ended)["metric"] == "executable_accuracy"
    assert len(trainings()) == 1
    # a user evaluates it on another split: the sweep evaluates it again
    [trial] = (project / "run" / "trials").iterdir()
    assert forking_cli("evaluate", trial, "--set", 'evaluate.splits=["validation"]').code == 0
    assert _last_object(_sweep(forking_cli, *words, "--json"))["trials"] == _last_object(ended)["trials"]


def test_exact_match_is_the_metric_without_execution(forking_cli: Cli) -> None:
    assert (
        forking_cli("--plugin", NOEXEC, "generate", "--task", "noexec", "--teacher", "parrot", "--out", "bare").code
        == 0
    )
    settings = ("--set", "train.student=learner", "--set", "train.modality=part")
    ended = forking_cli(
        "--plugin", NOEXEC, "experiment", "sweep", "bare", _space("[space]\ntrain.r = [4]\n"), *settings, "--json"
    )
    assert ended.code == 0, ended.err
    assert _last_object(ended)["metric"] == "exact_match"
    assert _last_object(ended)["trials"][0]["accuracy"]["name"] == "exact_match"
    ended = forking_cli("--plugin", NOEXEC, "experiment", "ablate", "bare", *settings)
    assert (ended.code, "answers of task 'noexec' cannot be executed" in ended.err) == (2, True)


@pytest.mark.parametrize("text", ["", "[sweep]\ntrials = 3\n"])
def test_interrupted_sweep_closes_its_runner(text: str, forking_cli: Cli) -> None:
    closed: list[bool] = []

    def runner(trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
        try:
            for trial in wanted:
                yield _result(trial.name, 0.5, 1, 1)
        finally:
            closed.append(True)

    def interrupt(what: str, done: int, total: int, detail: str = "") -> None:
        raise KeyboardInterrupt

    run = Run.open("run", plugins=load([TOY, LEARNER]))
    run.progress = interrupt
    space = read_space(_space("[space]\ntrain.r = [4, 8, 16]\n" + text))
    with pytest.raises(Interrupted) as caught:
        sweep(run, space, split="test", jobs=3, runner=runner)
    assert caught.tb  # whose frames reference unclosed generators
    assert closed


def test_printed_next_command_works(forking_cli: Cli, cli: Cli) -> None:
    space = "[space]\ntrain.gradient_checkpointing = [true]\n"
    flags = ("--set", "train.max_steps=7", "--set", "task.toy.prefix=so so")
    ended = _sweep(forking_cli, space, *flags)
    assert ended.code == 0, ended.err
    [line] = [line for line in ended.out.splitlines() if line.startswith("next: ")]
    program, *words = shlex.split(line.removeprefix("next: "))
    assert program == "dstill"
    ended = cli(*words, toy=False)
    assert ended.code == 0, ended.err
    settings = Run.open("run", plugins=load([TOY, LEARNER])).config.flat()
    assert settings["train.gradient_checkpointing"] is True
    assert (settings["train.max_steps"], settings["task.toy.prefix"]) == (7, "so so")


@pytest.mark.parametrize(
    "value",
    [
        True,
        8,
        1e-05,
        "full",
        "8",
        "true",
        "a 'b' \"c\"",
        "so 😀, ",
        ["test", "validation"],
        [True],
        {"NAME": [0.4, 1.6]},
    ],
)
def test_assignments_round_trip(value: Any) -> None:
    assert parse_assignment(assignment("a.b", value)) == ("a.b", value)


def test_only_weights_of_the_front_are_stored(forking_cli: Cli, project: Path) -> None:
    space = "[space]\ntrain.learning_rate = [0.25, 1.0]\ntrain.max_steps = [5, 50]\n"
    facts = _last_object(_sweep(forking_cli, space, "--json"))
    kept = {folder.parent.name for folder in (project / "run" / "trials").glob("*/student")}
    assert kept == set(facts["front"])
    assert len(kept) < len(facts["trials"])
    # a trial is a run like any other
    shown = forking_cli("evaluate", project / "run" / "trials" / facts["best"], "--json")
    assert shown.code == 0


def test_optuna_proposes_the_same_points_again(forking_cli: Cli, trainings: Trainings) -> None:
    space = "[space]\ntrain.learning_rate = { low = 0.2, high = 1.0 }\ntrain.r = [8, 16]\n[sweep]\ntrials = 5\n"
    first = _last_object(_sweep(forking_cli, space, "--jobs", 2, "--json"))
    assert first["sampler"] == "tpe"
    assert len(first["trials"]) == len(trainings()) == 5
    again = _last_object(_sweep(forking_cli, space, "--jobs", 2, "--json"))
    assert len(trainings()) == 5
    assert again["trials"] == first["trials"]


@pytest.mark.slow  # its trials are processes that start by themselves
def test_ctrl_c_stops_the_trials_and_leaves_no_process(forking_cli: Cli, project: Path) -> None:
    _space("[space]\ntrain.r = [8, 3, 16]\n")
    command = [sys.executable, "-m", "dstill", "--plugin", str(TOY), "--plugin", str(LEARNER)]
    command += ["experiment", "sweep", "run", "space.toml", "--split", "test", "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        # the slow one trains, and the two quick ones are done
        while len(list((project / "run" / "trials").glob("*/verdicts.jsonl"))) < 2 or not _slow_trial_started(project):
            assert time.monotonic() < deadline, "the trials never came so far"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "resume with" in err
    held = [folder for folder in (project / "run" / "trials").iterdir() if _is_locked(folder)]
    assert not held  # no process is left behind


@pytest.mark.slow
def test_killed_sweep_ends_its_trials(forking_cli: Cli, project: Path) -> None:
    _space("[space]\ntrain.r = [3]\n")
    command = [sys.executable, "-m", "dstill", "--plugin", str(TOY), "--plugin", str(LEARNER)]
    process = subprocess.Popen(
        [*command, "experiment", "sweep", "run", "space.toml", "--split", "test"], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    try:
        while not _slow_trial_started(project):
            assert time.monotonic() < deadline, "the trial never began"
            time.sleep(0.1)
    finally:
        process.kill()
    process.wait()
    [trial] = (project / "run" / "trials").iterdir()
    deadline = time.monotonic() + 40  # it would run for a minute
    while _is_locked(trial) or "stopped" not in (trial / "trial.err").read_text():  # printed after the lock is released
        assert time.monotonic() < deadline, "the trial went on"
        time.sleep(0.1)


def _slow_trial_started(project: Path) -> bool:
    trainings = project / "diary.txt"
    return trainings.exists() and any(line.split()[1] == "3" for line in trainings.read_text().splitlines())


def _is_locked(folder: Path) -> bool:
    import fcntl

    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_report_shows_the_sweep(forking_cli: Cli, project: Path) -> None:
    space = "[space]\nalpha_per_rank = [1, 4]\ntrain.r = [8, 16]\n"
    assert _sweep(forking_cli, space).code == 0
    settings = [
        row["changes"] for row in json.loads((project / "run" / "run.json").read_text())["stages"]["sweep"]["trials"]
    ]
    assert {(row["train.r"], row["train.lora_alpha"]) for row in settings} == {
        (8, 8), (8, 32), (16, 16), (16, 64)
    }  # fmt: skip
    assert forking_cli("train", "run").code == 0
    assert forking_cli("evaluate", "run").code == 0
    assert forking_cli("report", "run").code == 0
    page = (project / "run" / "report.html").read_text().replace("<wbr>", "")
    for text in ("Sweep", "Accuracy against peak memory", "Accuracy by alpha : rank", "lora_alpha 64"):
        assert text in page


# --- the space --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[space]\ntrain.r = [" + "9" * 5_000 + "]", "more than 64 bits"),
        ("[space]\ntrain.r = " + "[" * 5_000, "nested deeper"),
    ],
)
def test_extreme_numbers_and_nesting_in_a_space_are_refused(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        read_space(file)
    assert caught.value.where == str(file)


def test_fifo_as_space_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "space.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        read_space(tmp_path / "space.toml")


def test_dotted_and_quoted_keys_are_equivalent(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text('[space]\ntrain.r = [8]\n"train.label_weight" = { low = 0.1, high = 0.9 }\n[sweep]\ntrials = 2\n')
    assert read_space(file).choices == {"train.r": (8,), "train.label_weight": Range(low=0.1, high=0.9)}


def _result(name: str, accuracy: float, memory: int, seconds: float, error: str = "") -> Result:
    score = Score(name="executable_accuracy", value=accuracy, n=10)
    return Result(name=name, changes={}, accuracy=score, peak_memory=memory, seconds=seconds, error=error)


def test_front_has_the_undominated_trials() -> None:
    results = [
        _result("best", 0.9, 100, 100),
        _result("twin", 0.9, 100, 100),
        _result("small", 0.7, 10, 100),
        _result("beaten", 0.7, 20, 100),
        _result("quick", 0.5, 100, 1),
        _result("worst", 0.5, 100, 2),
        _result("failed", 1.0, 0, 0, error="killed"),
    ]
    assert front(results) == ["best", "twin", "small", "quick"]


def test_trial_name_has_the_changed_setting(forking_cli: Cli, project: Path) -> None:
    facts = _last_object(_sweep(forking_cli, "[space]\ntrain.learning_rate = [0.123456]\n", "--json"))
    assert facts["best"].startswith("learning-rate-0.123-")
    assert os.path.isdir(project / "run" / "trials" / facts["best"])
