"""The cluster that a command works on: one that runs, or one of its own on this machine.

    with cluster("", cpus=2) as desk:        # "": RAY_ADDRESS in the environment, or else a cluster of its own
        …

A cluster of its own listens on loopback alone, has no dashboard, sends no statistics, and ends with the command.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Iterator, Mapping

from dstill.cli.console import note
from dstill.errors import ServiceError, UsageError, needs
from dstill.runs.run import Run
from dstill_ray import coordinator as desks

__all__ = ["cluster", "gpus", "in_folder", "said", "storage", "wants"]

OWN = "local"
STORE = 100 << 20  # bytes of Ray's own memory for objects: what goes through it here is small
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths are those of the command
    "RAY_AIR_NEW_OUTPUT": "0",  # which prints on stdout, also where it is asked to be silent
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",  # a job may have variables of its own: these beside them
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


@contextlib.contextmanager
def cluster(address: str, *, cpus: float) -> Iterator[Any]:
    """Ray, and a desk on it. Raises MissingExtra, UsageError, ServiceError."""
    address = address or os.environ.get("RAY_ADDRESS") or OWN
    for name, value in {**QUIET, **(_own() if address == OWN else {})}.items():
        os.environ.setdefault(name, value)
    if address.startswith("ray://"):
        raise UsageError(
            "a sweep or a training is driven from within the cluster, not through Ray's client",
            where=address,
            hint="submit the command as a job, or give the address of the cluster itself, as HOST:6379",
        )
    with needs("dstill ray", "ray"):
        import ray
        import ray.train
        import ray.tune
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        # Ray lets workers import from the folder that it was begun in, and the current one may be a stranger's.
        with contextlib.chdir(sys.prefix):
            ray.init(**_options(address, cpus))
        signal.signal(signal.SIGTERM, terminated)  # Ray's own handler would end the command with no word
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise ServiceError(
            f"no Ray cluster could be reached or started: {said(error)}",
            where="this machine" if address == OWN else address,
            hint=f"--address HOST:6379 names one, --address {OWN} starts one here",
        ) from error
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # stdout is for results
            yield desks.opened()
    finally:
        ray.shutdown()


def _own() -> dict[str, str]:
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's name for: one machine, every server on 127.0.0.1
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # of this command alone; Ray would keep one in the home folder
    }


def _options(address: str, cpus: float) -> dict[str, Any]:
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address != OWN:
        own = {name: value for name, value in os.environ.items() if name.startswith("DSTILL_") or name in QUIET}
        return {**quiet, "address": address, "runtime_env": {"env_vars": own}}
    there = max(os.cpu_count() or 1, int(cpus + 0.999))
    return {
        **quiet,
        "address": OWN,
        "num_cpus": there,
        "include_dashboard": False,
        "object_store_memory": STORE,
    }


def gpus() -> float:
    import ray

    return float(ray.cluster_resources().get("GPU", 0))


def wants(count: int, each: Mapping[str, float]) -> None:
    """Says it where the cluster has less than `count` times `each` now: it may grow, or the command waits for ever."""
    import ray

    there = ray.cluster_resources()
    for name, amount in each.items():
        if count * amount > there.get(name, 0):
            note(f"the cluster has {there.get(name, 0):g} {name}, {count * amount:g} are wanted: what is missing waits")


def in_folder(folder: Path) -> None:
    """A worker goes where the command was called, if its machine has that folder."""
    with contextlib.suppress(OSError):
        os.chdir(folder)


def said(error: BaseException) -> str:
    """An error of Ray's in a line: the last one of it, below the traces of other processes."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()
    return lines[-1].strip()[:300] if lines else type(error).__name__


@contextlib.contextmanager
def storage(run: Run) -> Iterator[str]:
    """A folder for Ray's own files, where every machine sees it."""
    with TemporaryDirectory(dir=run.folder.absolute(), prefix=".ray-", ignore_cleanup_errors=True) as folder:
        yield folder
