"""Damaged input files, a damaged reply store and a full disk, at the command line."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.teacher.cache import ReplyStore

Cli = Callable[..., Any]


def assert_refused(ended: Any, code: int, what: str) -> None:
    """`ended` with this exit code and this first line of its error, and no traceback."""
    told = ended.err[ended.err.index("error: ") :]
    assert told.startswith(f"error: {what}"), ended.err
    assert ended.code == code
    assert "Traceback" not in ended.out + ended.err


def generate(cli: Cli, file: str, *words: object) -> Any:
    out = f"run-{len(list(Path().glob('run-*')))}"
    return cli("generate", "--teacher", "parrot", "--questions", file, "--out", out, *words)


def lines(*paths: Path) -> list[dict[str, Any]]:
    """The rows of JSONL files; U+2028 ends none."""
    return [json.loads(line) for path in paths for line in path.read_bytes().split(b"\n") if line]


def write_file(name: str, *rows: dict[str, Any]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


GOLD = {"question": "add 1 and 2", "answer": "1+2", "rationale": "it says 1+2"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"question":' + "9" * 5000 + "}", "digits"),
        ('{"question":' + "[" * 100_000, "deep"),
    ],
)
def test_error_of_a_very_long_row_is_short(cli: Cli, project: Path, row: str, message: str) -> None:
    Path("q.jsonl").write_text(json.dumps(GOLD) + "\n" + row + "\n")
    ended = generate(cli, "q.jsonl")
    assert_refused(ended, 4, "line 2: not strict JSON: ")
    assert message in ended.err
    assert len(ended.err) < 500
    assert "q.jsonl:2\n" in ended.err


def test_formats_that_could_run_code_are_not_opened(cli: Cli, project: Path) -> None:
    """None of these files is opened: nothing is unpacked or executed."""
    Path("a.pkl").write_bytes(pickle.dumps(GOLD))
    Path("a.pt").write_bytes(b"PK\x03\x04")
    Path("a.py").write_text("open('ran', 'w')")
    Path("a.arrow").write_bytes(b"ARROW1\0\0")
    with tarfile.open("a.tar", "w") as tar:
        member = tarfile.TarInfo("../escaped")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with gzip.open("a.jsonl.gz", "wb") as bomb:
        bomb.write(b"0" * 2**24)
    assert_refused(generate(cli, "a.arrow"), 4, "damaged Arrow file")
    for name in ("a.pkl", "a.pt", "a.py", "a.tar", "a.jsonl.gz"):
        assert_refused(generate(cli, name), 4, f"format not accepted: {Path(name).suffix}\nwhere: {name}\n")
    for name, found in (
        ("a.pkl", "a pickle"),
        ("a.arrow", "Arrow"),
        ("a.jsonl.gz", "a gzip archive"),
        ("a.pt", "a zip"),
    ):
        shutil.copy(name, f"{found[2:5].strip()}.jsonl")  # by another name
        assert_refused(generate(cli, f"{found[2:5].strip()}.jsonl"), 4, f"detected {found}")
    assert not Path("ran").exists()
    assert not (project.parent / "escaped").exists()


CONTROL_CHARACTERS = "add 1 and 2 \x1b[31m\x07\u202e<b onclick=x>=cmd()|'/C calc'!A0"


def test_terminal_escapes_in_questions_are_printed_as_text(cli: Cli, project: Path) -> None:
    """The terminal shows control characters as escapes; files keep the text unchanged."""
    rows = [
        {**GOLD, "id": "a", "question": CONTROL_CHARACTERS, "split": "train"},
        {**GOLD, "id": "b", "answer": CONTROL_CHARACTERS, "question": "x"},
    ]
    ended = generate(cli, write_file("q.jsonl", *rows))
    assert ended.code in (0, 3)
    (run,) = Path().glob("run-*")
    for words in (
        ["runs", "trace", run, "a"],
        ["runs", "trace", run, "a", "--json"],
        ["runs", "trace", run, "b"],
        ["check", "--format", "answers", "-"],
    ):
        ended = cli(*words, stdin=CONTROL_CHARACTERS.encode())
        assert not {"\x1b", "\x07", "\u202e"} & set(ended.out + ended.err), words
        assert "\\u202e" in ended.out + ended.err
    (row,) = lines(run / "dataset" / "data" / "train.jsonl")
    assert row["question"] == CONTROL_CHARACTERS


# --- the reply store --------------------------------------------------------------------


@pytest.fixture
def filled_cache(cli: Cli, project: Path) -> Path:
    """A project with 27 cached replies."""
    assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
    return project / "replies.sqlite"


def test_damaged_store_is_reported_and_another_takes_its_place(cli: Cli, filled_cache: Path) -> None:
    """The error quotes SQLite's integrity check. What its hint says works: the file is moved away."""
    content = bytearray(filled_cache.read_bytes())
    pages = len(content) // 4096
    for page in range(3, pages):
        content[page * 4096 : page * 4096 + 2048] = b"\xa5" * 2048
    filled_cache.write_bytes(content)
    ended = cli("generate", "--teacher", "parrot", "--out", "other")
    assert ended.code == 5, ended.err
    assert re.search(r"error: the reply store \S*replies\.sqlite is corrupt: .+\n", ended.err)
    assert "hint: restore a backup, or move it away; dstill then creates a new one" in ended.err
    assert filled_cache.read_bytes()[4096:] == content[4096:]  # unchanged except for the counter in SQLite's header
    filled_cache.rename("away.sqlite")
    assert cli("generate", "--teacher", "parrot", "--out", "other").code == 0
    with ReplyStore(filled_cache) as store:
        assert len(store) == 27


# --- the disk ---------------------------------------------------------------------------

# In its own mount namespace: a disk of 1 MB with only a few kB free; later it has space.
DISK_FULL = """
set -e
mount -t tmpfs -o size=1m tmpfs disk
cp -r project/. disk/
cd disk
avail=$(df --output=avail -k . | tail -1)
dd if=/dev/zero of=ballast bs=1k count=$((avail - LEFT)) status=none
set +e
"$@" > ../first.out 2> ../first.err; echo $? > ../first.code
set -e
cp -r . ../left
rm ballast
"$@" > ../second.out 2> ../second.err; echo $? > ../second.code
cp -r . ../after
"""


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 24, 64, 120])
def test_full_disk_keeps_earlier_data(project: Path, toy_file: Path, left: int) -> None:
    """The disk is full when the run is created, while replies are stored, or while the dataset is written."""
    namespace = ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("no name spaces here, in which to mount a small disk")
    for name in ("disk", "project"):
        Path(name).mkdir()
    settings = 'generate.teacher = "parrot"\nproject.task = "toy"\n'
    (Path("project") / "dstill.toml").write_text(settings)
    command = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "generate", "--out", "run"]
    script = DISK_FULL.replace("LEFT", str(left))
    ended = subprocess.run(
        [*namespace, "sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    if Path("first.code").read_text().strip() == "0":
        assert left >= 64  # there was space
    else:
        assert Path("first.code").read_text().strip() == "11", Path("first.err").read_text()
        told = Path("first.err").read_text()
        assert re.search(r"^error: disk full writing \S+", told, re.MULTILINE), told
        assert "free some space" in told
        assert "Traceback" not in told
    assert Path("second.code").read_text().strip() == "0", Path("second.err").read_text()
    for path in Path("left").rglob("*.jsonl"):  # a file with its final name is complete
        assert path.read_bytes() == (Path("after") / path.relative_to("left")).read_bytes()
    run = Path("after/run")
    assert len(lines(*run.glob("dataset/data/*.jsonl"), run / "rejects.jsonl")) == 27
    assert not list(Path("after/run").rglob("*.tmp"))


BACKWARDS_CLOCK = """
import itertools, sys, time
from datetime import datetime
import dstill.runs.folder
start = time.time()
steps = itertools.count()
time.time = lambda: start - 3600 * next(steps)          # each look at the clock an hour earlier than the last

class Falling(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(time.time(), tz)

dstill.runs.folder.datetime = Falling
from dstill.cli import main
main(sys.argv[1:])
"""


def test_backwards_clock_changes_no_duration_or_name(project: Path, toy_file: Path) -> None:
    """Durations come from a monotonic clock; names and ids stay unique."""
    command = [
        sys.executable,
        "-c",
        BACKWARDS_CLOCK,
        "--plugin",
        str(toy_file),
        "generate",
        "--teacher",
        "parrot",
        "--json",
    ]
    names = []
    for _ in range(3):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        run = Path(json.loads(ended.stdout.splitlines()[-1])["run"])
        names.append(run)
        manifest = json.loads((run / "run.json").read_text())
        seconds = [manifest["stages"]["generate"]["seconds"], *(file["seconds"] for file in manifest["files"].values())]
        assert all(0 <= one < 60 for one in seconds)
        ids = [row["id"] for row in lines(*run.glob("dataset/data/*.jsonl"), run / "rejects.jsonl")]
        assert len(ids) == len(set(ids)) == 27
    assert len(set(names)) == 3
