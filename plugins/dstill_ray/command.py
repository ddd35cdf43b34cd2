"""`dstill ray train RUN`, `dstill ray evaluate RUN` and `dstill ray sweep RUN SPACE`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from dstill.cli.console import progress
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, Number, json_option, pass_app, run_argument, set_option
from dstill.cli.train import note_other_recipe, show_trained, training_options
from dstill_sweep.command import keep_option, show_sweep, split_option, trials_option

__all__ = ["evaluate", "sweep", "train"]

address_option = click.option(
    "--address",
    default="",
    show_default=False,
    metavar="HOST:PORT",
    help="Address of a running cluster. Default: RAY_ADDRESS, or a new local cluster.",
)

gpus_option = click.option(
    "--gpus-per-worker",
    "gpus",
    type=Count(0, 1),
    help="GPUs per worker. Default: 1 if the cluster has a GPU for every worker, else 0.",
)


def cpus_option(of: str) -> Callable[..., Callable[..., None]]:
    """The option for cores per worker or per trial."""
    return click.option(f"--cpus-per-{of}", "cpus", type=Count(1, 1024), default=1, help=f"Cores per {of}.")


@click.command(cls=Command, examples=["dstill ray train runs/mine --workers 2"])
@training_options
@click.option("--workers", type=Count(1, 4096), default=2, help="Number of training processes.")
@cpus_option("worker")
@gpus_option
@address_option
@pass_app
def train(  # noqa: PLR0913 - one parameter per command line option
    app: App,
    run: str,
    workers: int,
    cpus: int,
    gpus: int | None,
    address: str,
    restart: bool,
    resume_with_changes: bool,
    allow_unreviewed: bool,
    as_json: bool,
) -> None:
    """Fine-tune one student with several workers.

    Each step uses a batch of train.per_device_train_batch_size times the number of workers. RUN must have the same path
    on every machine. Resumes like `dstill train`.
    """
    from dstill_ray.training import Resources
    from dstill_ray.training import train as run_training

    opened = app.open(run)
    note_other_recipe(app, run)
    resources = Resources(workers=workers, cpus=cpus, gpus=gpus)
    with progress() as report:
        opened.progress = report
        how = {"restart": restart, "resume_with_changes": resume_with_changes, "allow_unreviewed": allow_unreviewed}
        facts = run_training(opened, resources, address=address, flags=app.flags, **how)
    show_trained(opened, facts, as_json=as_json)


@click.command(cls=Command, examples=["dstill ray evaluate runs/mine --workers 2"])
@run_argument
@click.option("--workers", type=Count(1, 4096), default=2, help="Number of processes that answer.")
@cpus_option("worker")
@gpus_option
@address_option
@json_option
@set_option
@pass_app
def evaluate(app: App, run: str, workers: int, cpus: int, gpus: int | None, address: str, as_json: bool) -> None:
    """Answer the test questions with several workers, and score them.

    Writes the same files as `dstill evaluate`, and continues where that stopped. Each worker loads the student; answers
    are judged in this process. RUN must have the same path on every machine.
    """
    from dstill import trust
    from dstill.cli.evaluate import show_evaluated
    from dstill_ray.answering import Answers
    from dstill_ray.cluster import cluster
    from dstill_ray.training import Resources

    opened = app.open(run)
    opened.require_student()
    # The workers' machines have no record of what the user trusts. They ask no teacher and read no file of questions.
    sections = dict.fromkeys(key.rpartition(".")[0] for key in opened.config.flat())
    used = (name for name in sections if name.partition(".")[0] not in ("generate", "augment", "teacher"))
    trust.require(opened.config, *used)
    resources = Resources(workers=workers, cpus=cpus, gpus=gpus)
    with progress() as report, cluster(address, cpus=workers * cpus):
        opened.progress = report
        opened.answerer = Answers(run=opened, resources=resources, flags=app.flags)
        facts = opened.evaluate()
    show_evaluated(opened, facts, as_json=as_json)


@click.command(cls=Command, examples=["dstill ray sweep runs/mine space.toml --jobs 4"])
@run_argument
@click.argument("space", type=click.Path(path_type=Path))
@trials_option
@split_option
@click.option("--jobs", type=Count(1, 4096), default=2, help="Trials to run at the same time.")
@cpus_option("trial")
@click.option(
    "--gpus-per-trial",
    "gpus",
    type=Number(0, 64),
    help="GPUs per trial, for example 0.5. Default: 1 if the cluster has a GPU, else 0.",
)
@address_option
@keep_option("those of the trials on the Pareto front of accuracy, memory and time")
@json_option
@set_option
@pass_app
def sweep(  # noqa: PLR0913 - one parameter per command line option
    app: App,
    run: str,
    space: Path,
    trials: int | None,
    split: str,
    jobs: int,
    cpus: int,
    gpus: float | None,
    address: str,
    keep_students: bool,
    as_json: bool,
) -> None:
    """Run a sweep with Ray Tune.

    Works like `dstill experiment sweep`: the same SPACE file, the same runs in RUN/trials, the same report. Each of the
    two commands can resume a sweep that the other began. RUN must have the same path on every machine.
    """
    from dstill_ray.cluster import cluster
    from dstill_ray.tuning import TuneRunner
    from dstill_sweep.space import read_space
    from dstill_sweep.sweeping import sweep as run_sweep

    opened = app.open(run)
    wanted = read_space(space, trials)
    with progress() as report, cluster(address, cpus=jobs * cpus) as coordinator:
        opened.progress = report
        runner = TuneRunner(coordinator=coordinator, flags=app.flags, cpus=cpus, gpus=gpus)
        facts = run_sweep(opened, wanted, split=split, jobs=jobs, keep=keep_students, runner=runner)
    show_sweep(opened, facts, as_json=as_json)
