"""What every test may use: a project folder with few plugins, and a toy plugin (`support/toy.py`)."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

# The gate gives the same verdict twice; HYPOTHESIS_PROFILE=explore looks for what it has not seen yet.
# no clock decides: a machine that is busy with something else makes no test fail
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **UNTIMED)
settings.register_profile("explore", max_examples=2000, **UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Where a script began the tests in the background, Ctrl-C is ignored, and so it would be by all that they begin.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
TOY = Path(__file__).parent / "support" / "toy.py"
KEPT = {"teachers", "evaluate"}  # built-ins that stay beside the toy: light, and without a task


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``--dist loadgroup`` slow tests share a worker by file, those of the demo as a whole; the longest begins.

    With pytest 9 and pytest-xdist 3.8 the marks have no effect yet: the tests are spread over the workers.
    """
    for item in items:
        if item.get_closest_marker("slow"):
            group = "demo" if "demo" in getattr(item, "fixturenames", ()) else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.name != "test_reproduce.py")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's own settings are those of the tests: nothing is written to a real home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def toy_file() -> Path:
    return TOY


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the toy's own needs installed and nothing heavy."""
    for name in [name for name in os.environ if name.startswith("DSTILL_")]:
        monkeypatch.delenv(name)
    others = {point.name for point in entry_points(group="dstill")} - KEPT
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """``cli("plugins", "--json")`` runs a command in this process, with the toy loaded."""
    from dstill.cli import run

    def call(*words: object, stdin: bytes = b"", toy: bool = True) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run([*(["--plugin", str(TOY)] if toy else []), *map(str, words)])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


@dataclass(frozen=True)
class Demo:
    """A whole `dstill demo`, run once a session by the tests marked slow."""

    folder: Path
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo as a user runs it, in a folder of its own. Takes minutes: for tests marked slow."""
    place = tmp_path_factory.mktemp("demo")
    ended = subprocess.run(
        [sys.executable, "-m", "dstill", "demo", "--json", "--out", "run"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=3600,
        env={name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")},
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    print(ended.stdout.splitlines()[-1])
    return Demo(place / "run", json.loads(ended.stdout.splitlines()[-1]))
