"""CI begins with the README's commands, and its last line adds up what pytest said: `.ci/run` with a toy `make`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

# It writes down its arguments, and prints what the real one prints at the end.
MAKE = r"""#!/bin/sh
printf '%s|%s|%s\n' "$*" "${DSTILL_REQUIRE_LIVE-}" "${DSTILL_DEMO_RUN-}" >> made
case $1 in
  demo) mkdir -p runs/toy-1 && touch runs/toy-1/run.json && echo "demo of task 'toy' in runs/toy-1" >&2 ;;
  test) echo "===== 30 passed, 2 skipped, 5 warnings in 100.40s (0:01:40) =====" ;;
  test-slow) echo "===== 4 passed, 1 skipped, 7 deselected in 50.20s =====" ;;
  nightly) echo "===== 40 passed in 3000.00s (0:50:00) =====" ;;
  floors) echo "===== 9 passed, 3 skipped in 60.00s (0:01:00) =====" ;;
esac
test "$1" != "$FAILS"
"""


def ci(root: Path, place: Path, *words: str, fails: str = "") -> tuple[int, list[list[str]], str]:
    """Exit code, the calls of make with two variables, and the last line of `.ci/run` in the folder `place`."""
    (place / ".ci").mkdir()
    shutil.copy(root / ".ci" / "run", place / ".ci" / "run")
    tools = place / "tools"
    tools.mkdir()
    for name in ("mvn", "javac", "chromium", "apt-get"):
        (tools / name).write_text("#!/bin/sh\n")
    (tools / "make").write_text(MAKE)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "FAILS": fails, "TMPDIR": str(place)}
    ended = subprocess.run(["bash", ".ci/run", *words], cwd=place, env=environment, capture_output=True, text=True)
    made = [line.split("|") for line in (place / "made").read_text().splitlines()]
    return ended.returncode, made, ended.stdout.splitlines()[-1]


def test_ci_begins_with_the_commands_of_the_readme(root: Path, tmp_path: Path) -> None:
    install = (root / "README.md").read_text(encoding="utf-8").split("\n## Install\n")[1].split("\n## ")[0]
    commands = re.findall(r"^    make (.+?) +#", install, flags=re.MULTILINE)
    assert commands == ["demo", "test"]
    code, made, last = ci(root, tmp_path)
    assert code == 0
    assert made == [
        ["clean", "", ""],
        *([command, "", ""] for command in commands),
        ["test-slow ARGS=--durations=50", "1", "runs/toy-1"],
        ["lint", "1", "runs/toy-1"],
    ]
    assert last == "===== 34 passed, 3 skipped in 151s ====="


def test_nightly_does_not_count_the_tests_that_measure_coverage(root: Path, tmp_path: Path) -> None:
    code, made, last = ci(root, tmp_path, "nightly")
    assert code == 0
    assert [words.split()[0] for words, *_ in made] == ["clean", "lint", "nightly", "floors", "test"]
    assert last == "===== 49 passed, 3 skipped in 3060s ====="


@pytest.mark.parametrize("fails", ["demo", "test", "test-slow", "lint"])
def test_ci_fails_with_each_of_its_parts(root: Path, tmp_path: Path, fails: str) -> None:
    code, made, last = ci(root, tmp_path, fails=fails)
    assert code != 0
    assert made[-1][0].split()[0] == fails
    assert "34 passed" not in last
