"""`dstill check` with the built-in tasks, as docs/check.md says: in a terminal, with pre-commit, in GitHub Actions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dstill.cli import run

FILES = {
    "mapping.json": '{"logs": {"mappings": {"properties": {"level": {"type": "keyword"}, "at": {"type": "date"}}}}}',
    "schema.sql": """\
CREATE TABLE drivers (id INTEGER PRIMARY KEY, name VARCHAR(40));
CREATE TABLE trips (id INTEGER PRIMARY KEY, driver INTEGER REFERENCES drivers (id), km DOUBLE);
""",
    "queries/errors.json": """\
{
  "query": {
    "term": {"levl": "error"}
  },
  "aggs": {"days": {"date_histogram": {"field": "at", "interval": "1d"}}},
  "size": 0
}
""",
    "queries/trips.sql": """\
-- the names of all drivers
SELECT nme FROM drivers ORDER BY 1;

-- kilometres by driver
SELECT name, SUM(km)
FROM trips, drivers
GROUP BY name;
""",
    "queries/package.json": '{"name": "queries", "version": "1.0.0"}',
    "queries/schema.sql": "CREATE TABLE notes (id INTEGER)",
}
# A stand-in for `python3 -m venv`: it writes down what pip is asked for, and its `dstill` is this one.
PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$@" >> "%s/pip.txt"\\n' "$RUNNER_TEMP" > "$3/bin/python"
printf '#!/bin/sh\\nexec "%s" -m dstill "$@"\\n' "{python}" > "$3/bin/dstill"
chmod +x "$3/bin/python" "$3/bin/dstill"
"""


@pytest.fixture
def queries(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DSTILL_DISABLE")
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    return project


def pasted(root: Path) -> list[Any]:
    """The YAML of docs/check.md."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (root / "docs" / "check.md").read_text(), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


def test_docs_show_what_is_printed(queries: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--mapping", "mapping.json", "--schema", "schema.sql", "queries"]) == 9
    printed = "".join(capsys.readouterr())
    shown = re.search(
        r"^    \$ dstill check .+\n((?:    .+\n)+)", (root / "docs" / "check.md").read_text(), re.MULTILINE
    )
    assert shown is not None
    assert printed == shown[1].replace("\n    ", "\n").removeprefix("    ")


def test_what_is_not_known_is_named(queries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("queries/errors.json").write_text('{"query": {"term": {"levl": "error"}}}')
    assert run(["check", "queries/errors.json"]) == 0
    _, err = capsys.readouterr()
    assert err == "note: mapping not checked, because nothing is known about the data: give --mapping\n"
    assert run(["check", "--data", "nothing", "queries/errors.json"]) == 2
    assert "nothing is known about the index 'nothing'" in capsys.readouterr().err
    assert run(["check", "--data", "weblogs", "queries/errors.json"]) == 9
    Path("dstill.toml").write_text('[task.querydsl]\nindex = "logs"\nmapping = "mapping.json"\n')
    assert run(["check", "queries/errors.json"]) == 9


def test_start_loads_no_library_of_machine_learning(queries: Path) -> None:
    code = (
        "import json, sys; from dstill.cli import run; run(['check', '--schema', 'schema.sql', 'queries']); "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert {"sqlglot", "jsonschema"} <= loaded
    assert not {"torch", "transformers", "numpy", "elasticsearch", "pandas", "rich", "asyncio"} & loaded


# --- pre-commit -------------------------------------------------------------------------


def test_hook_runs_this_command_with_its_extra(root: Path) -> None:
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language"} <= hook.keys()  # what pre-commit requires
    assert (hook["entry"], hook["args"], hook["language"]) == ("dstill check", ["--"], "python")
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [re.fullmatch(r"\.\[(\w+)\]", one)[1] for one in hook["additional_dependencies"]] == ["check"]  # type: ignore[index]
    assert extras["check"] == ["dstill[sql]"]
    assert re.search(hook["files"], "queries/a.sql")
    assert not re.search(hook["files"], "package.json")


def test_pasted_hooks_exist_and_take_their_options(
    queries: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hooks = [hook for page in pasted(root) for repo in page.get("repos", ()) for hook in repo["hooks"]]
    assert [hook["id"] for hook in hooks] == ["dstill-check", "dstill-check"]
    given = [name for name in FILES if re.search(hooks[1]["files"], name) and "trips" in name]
    assert hooks[1]["args"][-1] == "--"
    assert run(["check", *hooks[1]["args"], *given]) == 9
    assert "unknown_column" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["--exclude=*", "--ignore=unknown_column", "--help", "-h"])
def test_names_of_files_are_not_options(
    queries: Path, root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    Path(name).write_text("SELECT FROM")
    given = ["--task", "sql", "--schema", "schema.sql", *hook["args"], "queries/trips.sql", name]
    assert run(["check", *given]) == 9
    out = capsys.readouterr().out
    assert "unknown_column" in out
    assert f"\n{name}:1:" in out
    given.remove("--")
    assert run(["check", *given]) == 2
    assert "an option that is also the name of a file" in capsys.readouterr().err


# --- GitHub Actions ---------------------------------------------------------------------


@pytest.fixture
def action(root: Path) -> Any:
    return yaml.safe_load((root / "action.yml").read_text())


def call(action: Any, folder: Path, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the steps as the runner does: in bash, with the inputs in the environment."""
    inputs = {name: str(one["default"]) for name, one in action["inputs"].items()} | given
    (folder / "bin").mkdir(exist_ok=True)
    python = folder / "bin" / "python3"
    python.write_text(PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    environment = {**os.environ, "RUNNER_TEMP": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    for step in action["runs"]["steps"]:
        named = {}
        for name, text in step["env"].items():
            (_, key) = re.fullmatch(r"\$\{\{ (inputs|github)\.(\w+) \}\}", text).groups()  # type: ignore[union-attr]
            named[name] = inputs.get(key, "/the/action")
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ended = subprocess.run(command, env={**environment, **named}, capture_output=True, text=True, timeout=60)
    return ended


def test_action_annotates_what_it_finds(action: Any, queries: Path, tmp_path: Path, root: Path) -> None:
    (given,) = [
        step["with"]
        for page in pasted(root)
        for step in steps(page)
        if step.get("uses", "").startswith("OWNER/dstill@")
    ]
    assert given.keys() <= action["inputs"].keys()
    ended = call(action, tmp_path, given)
    lines = ended.stdout.splitlines()
    assert (ended.returncode, len(lines)) == (9, 5)
    assert lines[0].startswith("::error file=queries/errors.json,line=3,endLine=3,col=14,")
    assert (tmp_path / "pip.txt").read_text().split()[-1] == "/the/action[check]"


def test_action_takes_paths_with_spaces_and_no_code(action: Any, queries: Path, tmp_path: Path) -> None:
    (queries / "two words.sql").write_text("SELECT 1;\nSELECT FROM")
    given = {"paths": "two words.sql\n$(touch hacked)\n", "format": "text", "task": "sql", "version": "0.1.0"}
    ended = call(action, tmp_path, given)
    assert (ended.returncode, "no file or folder $(touch hacked)" in ended.stderr) == (2, True)
    assert ended.stdout.startswith("two words.sql:2:")
    assert (tmp_path / "pip.txt").read_text().split()[-1] == "dstill[check]==0.1.0"
    assert not (queries / "hacked").exists()


def test_action_has_what_github_requires(action: Any) -> None:
    assert {"name", "description", "runs"} <= action.keys()
    assert action["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" and "${{" not in step["run"] for step in action["runs"]["steps"])
    assert all(one["description"] for one in action["inputs"].values())


def steps(page: Any) -> list[Any]:
    return [step for job in page.get("jobs", {}).values() for step in job["steps"]]
