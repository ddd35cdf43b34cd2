"""Fixtures of all tests: a project folder with few plugins, commands in this process, and the toy plugin."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from support.installed import entry_points
from support.shared import shared_folder
from support.sizes import size

if TYPE_CHECKING:
    from support.loopback_hub import LoopbackHub

# CI tries the same examples every time. HYPOTHESIS_PROFILE=explore tries new ones, and `make fuzz` goes on with new
# ones for as long as you like. None has a deadline, so that no test fails on a busy machine.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, max_examples=size("EXAMPLES", ci=40, nightly=200), **UNTIMED)
settings.register_profile("explore", max_examples=2000, **UNTIMED)
settings.register_profile("fuzz", max_examples=200, **UNTIMED)  # in each of the passes of `make fuzz`
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Tests that a shell script starts in the background ignore Ctrl-C, and so would all processes that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
TOY = Path(__file__).parent / "support" / "toy.py"
LOADED_PLUGINS = {"conformance", "evaluate", "teachers"}  # beside the toy: quick, and without a task
# A finished run of `make demo`, which the tests of the demo judge instead of running it a second time.
DEMO_RUN = Path(os.environ["DSTILL_DEMO_RUN"]).absolute() if os.environ.get("DSTILL_DEMO_RUN") else None


# Files that take minutes run first, so that the workers end at the same time. The first one builds the demo; the others
# that read it run last of these, so that no worker waits for it.
LONGEST = (
    "tests/test_demo.py",
    "tests/test_killed.py",
    "tests/test_reproduce.py",
    "dstill_ray/test_training.py",
    "dstill_ray/test_sweep.py",
    "dstill_finetune/test_distributed.py",
    "dstill_finetune/test_measured_memory.py",
    "dstill_export/test_formats.py",
    "third_party/test_rpn.py",
    "third_party/test_new_pack.py",
    "dstill_serve/test_soak.py",
    "live/test_demo.py",
    "questions/test_splits.py",
    "questions/test_made.py",
    "testsuites/test_kill_rate.py",
)


# Collection imports torch, transformers and all test modules, and hardly anything of that is garbage: looking for it
# would cost each worker 2 s.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()  # what collection imported stays: no later search for garbage looks at it
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=_order)


def _order(item: pytest.Item) -> int:
    path = item.path.as_posix()
    return next((n for n, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> None:
    """Take everything that is loaded so far out of garbage collection.

    Each training collects garbage, and looking through torch, transformers and all test modules takes longer than a
    small training.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # some libraries complain at exit about objects that are left


@pytest.fixture(scope="session", autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep user settings in a temporary folder: no test writes to the real home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _entry_points_read_once() -> Iterator[None]:
    """A third of the time of a small command is reading the entry points of all installed packages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dstill.plugins.entry_points", entry_points)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def toy_file() -> Path:
    return TOY


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; of the built-in plugins only `LOADED_PLUGINS` are loaded."""
    for name in [name for name in os.environ if name.startswith("DSTILL_")]:
        monkeypatch.delenv(name)
    others = {point.name for point in entry_points(group="dstill")} - LOADED_PLUGINS
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def enable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``enable("openai", "report")``: from now on these built-in plugins are loaded too."""

    def call(*names: str) -> None:
        disabled = set(os.environ["DSTILL_DISABLE"].split(",")) - {*names}
        monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(disabled)))

    return call


@pytest.fixture
def cli(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """``cli("pack", "list", "--json")`` runs a command in this process, with the toy loaded."""
    from dstill.cli import run

    def call(*words: object, stdin: bytes = b"", toy: bool = True) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run([*(["--plugin", str(TOY)] if toy else []), *map(str, words)])
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a stopped command leaves what ends its process
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub on this machine, an empty cache for what comes from it, and nobody logged in."""
    from huggingface_hub import constants
    from support.loopback_hub import LoopbackHub

    home = tmp_path_factory.mktemp("hub")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name, value in {
        "HF_HUB_CACHE": str(home / "cache"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
    }.items():
        monkeypatch.setattr(constants, name, value)
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture(scope="module")
def _built_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


@pytest.fixture
def once(project: Path, _built_folders: Path) -> Callable[[str, Callable[[], None]], None]:
    """``once("finished", build)``: `build()` fills the project in a module's first test, later tests get a copy."""

    def call(name: str, build: Callable[[], None]) -> None:
        built = _built_folders / name
        if built.exists():
            shutil.copytree(built, project, dirs_exist_ok=True)
        else:
            build()
            shutil.copytree(project, built)

    return call


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, built without network access."""

    def build(out: Path) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)

    return next(shared_folder(tmp_path_factory, "wheel", build).glob("*.whl"))


@dataclass(frozen=True)
class Demo:
    """A run of `dstill demo`, and what the command prints. Tests only read the folder."""

    folder: Path
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo as a user runs it, once a session. Takes minutes, unless `DEMO_RUN` is given: for tests marked slow."""
    place = shared_folder(tmp_path_factory, "demo", _summarized if DEMO_RUN else _run_demo)
    return Demo(DEMO_RUN or place / "run", json.loads((place / "summary.json").read_text()))


# What `dstill demo --json` prints of a run.
_SUMMARY = """
import json, sys
from dstill import Run
from dstill.cli.evaluate import summary
run = Run.open(sys.argv[1])
print(json.dumps(summary(run, run.stages["evaluate"])))
"""


def _summarized(place: Path) -> None:
    _ended_with_summary(place, "-c", _SUMMARY, str(DEMO_RUN))


def _run_demo(place: Path) -> None:
    _ended_with_summary(place, "-m", "dstill", "demo", "--json", "--out", "run")


def _ended_with_summary(place: Path, *words: str) -> None:
    """Run Python in the folder `place`, and write the last line that it prints to summary.json there."""
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=3600,
        env={name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")},
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    summary = ended.stdout.splitlines()[-1]
    print(summary)
    (place / "summary.json").write_text(summary)
