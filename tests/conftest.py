"""What every test may use: a project folder with few plugins, and a toy plugin (`support/toy.py`)."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from support.shared import shared_folder

# The gate gives the same verdict twice. HYPOTHESIS_PROFILE=explore looks for what it has not seen yet, and `make fuzz`
# (fuzz) does so for as long as one likes. Neither has a deadline: a busy machine makes no test fail.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **UNTIMED)
settings.register_profile("explore", max_examples=2000, **UNTIMED)
settings.register_profile("fuzz", max_examples=200, **UNTIMED)  # a pass; `make fuzz` makes many
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Where a script began the tests in the background, Ctrl-C is ignored, and so it would be by all that they begin.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
TOY = Path(__file__).parent / "support" / "toy.py"
KEPT = {"teachers", "evaluate"}  # built-ins that stay beside the toy: light, and without a task


# Files that take minutes come first, so that no worker has one of them left when the other has nothing more to do. The
# demo is built in the very first; the others that read it come last of these, so that no worker waits for it.
LONGEST = (
    "tests/test_demo.py",
    "tests/test_killed.py",
    "tests/test_reproduce.py",
    "dstill_ray/test_training.py",
    "dstill_ray/test_sweep.py",
    "dstill_finetune/test_distributed.py",
    "dstill_finetune/test_measured_memory.py",
    "dstill_export/test_forms.py",
    "third_party/test_rpn.py",
    "third_party/test_new_pack.py",
    "dstill_serve/test_soak.py",
    "live/test_demo.py",
)


# Importing torch, transformers and all test modules makes much that stays; to look through it again and again for garbage
# takes 2 s of each worker.
gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start real engines as `live`, and begin with the files that take longest."""
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
    """Take what is loaded already out of garbage collection.

    Training collects garbage in every run, and looking through torch, transformers and all test modules each time takes
    longer than a small training.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # so that libraries find at exit that nothing of theirs is left


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
    """``cli("pack", "list", "--json")`` runs a command in this process, with the toy loaded."""
    from dstill.cli import run

    def call(*words: object, stdin: bytes = b"", toy: bool = True) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run([*(["--plugin", str(TOY)] if toy else []), *map(str, words)])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


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
    """A wheel of this tree, built with what is installed here."""

    def build(out: Path) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)

    return next(shared_folder(tmp_path_factory, "wheel", build).glob("*.whl"))


@dataclass(frozen=True)
class Demo:
    """A whole `dstill demo`, run once a session. Tests only read the folder."""

    folder: Path
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo as a user runs it, in a folder of its own. Takes minutes: for tests marked slow."""
    place = shared_folder(tmp_path_factory, "demo", _run_demo)
    return Demo(place / "run", json.loads((place / "summary.json").read_text()))


def _run_demo(place: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dstill", "demo", "--json", "--out", "run"],
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
