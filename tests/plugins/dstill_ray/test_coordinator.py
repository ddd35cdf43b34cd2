"""Messages between workers and command, and errors before the cluster starts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill import errors
from dstill.errors import DstillError, MissingExtra, TrainingError
from dstill_ray.cluster import ENVIRONMENT, last_line
from dstill_ray.coordinator import Coordinator, error_from_row, error_to_row

KINDS = [
    kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type) and kind is not MissingExtra
]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_round_trip(kind: type[DstillError]) -> None:
    problem = kind("too large", where="here", hint="make it smaller")
    found = error_from_row(error_to_row(problem))
    assert (type(found), str(found), found.exit_code) == (kind, str(problem), kind.exit_code)


def test_missing_extra_keeps_its_exit_code() -> None:
    problem = MissingExtra("QLoRA", "qlora", "bitsandbytes")
    found = error_from_row(error_to_row(problem))
    assert (str(found), found.exit_code) == (str(problem), MissingExtra.exit_code)


def test_unexpected_error_is_a_bug() -> None:
    found = error_from_row(error_to_row(KeyError("x")))
    assert found.exit_code == 1
    assert "bug in dstill: KeyError: 'x'" in str(found)


def test_trial_does_not_start_after_a_stop() -> None:
    coordinator = Coordinator()
    assert coordinator.start("0")
    assert not coordinator.report("training", 1, 12, "loss 2.1")
    coordinator.request_stop()
    assert coordinator.report("training", 2, 12, "loss 2.0")
    assert not coordinator.start("1")
    coordinator.finish("0", error_to_row(TrainingError("the loss is NaN")))
    state = coordinator.state()
    assert (state.started, state.running, state.progress) == (True, set(), {"training": (2, 12, "loss 2.0")})
    assert state.results["0"]["message"] == "the loss is NaN"


def test_ray_error_is_reduced_to_its_last_line() -> None:
    assert last_line(RuntimeError("\x1b[36mray::f()\x1b[39m\nTraceback\nOSError: no room\n")) == "OSError: no room"
    assert last_line(RuntimeError()) == "RuntimeError"


@pytest.fixture
def ray_cli(
    cli: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch, enable: Callable[..., None]
) -> Callable[..., Any]:
    enable("ray", "sweep", "report")
    own = ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_AUTH_TOKEN")
    for name in (*ENVIRONMENT, *own):  # the command sets them; monkeypatch removes them
        monkeypatch.setenv(name, "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (project / "space.toml").write_text("[space]\ntrain.r = [4, 8]\n")
    assert cli("generate", "--out", "run", "--teacher", "parrot").code == 0
    return cli


@pytest.mark.parametrize("words", [("train", "run"), ("sweep", "run", "space.toml")])
def test_missing_extra_is_one_line(
    words: tuple[str, ...], ray_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = ray_cli("ray", *words)
    assert ended.code == 2
    assert ended.err.splitlines()[0] == "error: dstill ray needs the extra 'ray' (ray is not installed)"
    assert "pip install 'dstill[ray]'" in ended.err


def test_ray_client_is_refused(ray_cli: Callable[..., Any]) -> None:
    ended = ray_cli("ray", "train", "run", "--address", "ray://head:10001")
    assert ended.code == 2
    assert "submit the command as a job" in ended.err
