"""Connects to a running Ray cluster, or starts a local one.

    with cluster("", cpus=2) as coordinator:        # "": RAY_ADDRESS in the environment, or else a local cluster
        …

A local cluster listens on loopback only, has no dashboard, sends no usage statistics, and ends with the command.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dstill.cli.console import note
from dstill.errors import ServiceError, UsageError, needs
from dstill.runs.run import Run
from dstill_ray.coordinator import start_coordinator

__all__ = ["change_folder", "cluster", "gpu_count", "last_line", "storage", "warn_if_too_small"]

LOCAL = "local"
OBJECT_STORE = 100 << 20  # bytes; dstill sends only small objects through Ray
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # so that relative paths mean the same as for the command
    "RAY_AIR_NEW_OUTPUT": "0",  # it prints to stdout even with verbose=0
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",  # merge these variables with those of a submitted job
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


@contextlib.contextmanager
def cluster(address: str, *, cpus: float) -> Iterator[Any]:
    """Connect to Ray and start a coordinator. Raises MissingExtra, UsageError or ServiceError.

    `cpus` is the number of cores that a local cluster must offer.
    """
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    for name, value in {**ENVIRONMENT, **(_local_environment() if address == LOCAL else {})}.items():
        os.environ.setdefault(name, value)
    if address.startswith("ray://"):
        raise UsageError(
            "Ray Client addresses (ray://) are not supported",
            where=address,
            hint="submit the command as a job, or use the cluster's own address, for example HOST:6379",
        )
    with needs("dstill ray", "ray"):
        import ray
        import ray.train
        import ray.tune
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        # Workers can import modules from the folder that Ray starts in, and the current one may be untrusted.
        with contextlib.chdir(sys.prefix):
            ray.init(**_options(address, cpus))
        signal.signal(signal.SIGTERM, terminated)  # Ray's handler would exit without a message
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise ServiceError(
            f"cannot reach or start a Ray cluster: {last_line(error)}",
            where="this machine" if address == LOCAL else address,
            hint=f"--address HOST:6379 connects to a cluster, --address {LOCAL} starts one on this machine",
        ) from error
    try:
        with (
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):  # keep Ray's messages out of the command's output
            yield start_coordinator()
    finally:
        ray.shutdown()


def _local_environment() -> dict[str, str]:
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # so that all of Ray's servers listen on 127.0.0.1
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # for this command; Ray would store its own in the home folder
    }


def _options(address: str, cpus: float) -> dict[str, Any]:
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address != LOCAL:
        variables = {n: value for n, value in os.environ.items() if n.startswith("DSTILL_") or n in ENVIRONMENT}
        return {**quiet, "address": address, "runtime_env": {"env_vars": variables}}
    cores = max(os.cpu_count() or 1, int(cpus + 0.999))
    return {
        **quiet,
        "address": LOCAL,
        "num_cpus": cores,
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE,
    }


def gpu_count() -> float:
    """GPUs of the cluster."""
    import ray

    return float(ray.cluster_resources().get("GPU", 0))


def warn_if_too_small(count: int, each: Mapping[str, float]) -> None:
    """Warn if the cluster lacks resources for `count` workers: unless it grows, the command waits forever."""
    import ray

    available = ray.cluster_resources()
    for name, amount in each.items():
        if count * amount > available.get(name, 0):
            note(
                f"the cluster has {available.get(name, 0):g} {name} but {count * amount:g} are needed: "
                "workers wait until the cluster grows"
            )


def change_folder(folder: Path) -> None:
    """Change to the folder in which the command was started, if this worker's machine has it."""
    with contextlib.suppress(OSError):
        os.chdir(folder)


def last_line(error: BaseException) -> str:
    """The last line of an error of Ray, below the tracebacks of other processes."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()
    return lines[-1].strip()[:300] if lines else type(error).__name__


@contextlib.contextmanager
def storage(run: Run) -> Iterator[str]:
    """A temporary folder for Ray's files in the run's folder, which every machine can access."""
    with TemporaryDirectory(dir=run.folder.absolute(), prefix=".ray-", ignore_cleanup_errors=True) as folder:
        yield folder
