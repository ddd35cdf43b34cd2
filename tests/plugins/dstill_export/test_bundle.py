"""The bundle of a linked student, from a project with the shipped base: what is in it, and what opens it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.installed import entry_points

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill import trust
from dstill.api.records import Record
from dstill.confidence import calibration
from dstill.confidence.calibration import Calibration
from dstill.errors import RunError, TrustError
from dstill.quality import data_drift
from dstill.runs import bundle as bundles
from dstill.runs.folder import data_file
from dstill.runs.run import Run

NEEDED = {"querydsl", "linked", "finetune", "torch", "export", "evaluate", "teachers", "serve", "mcp"}
MAPPING = {
    "properties": {
        "host": {"type": "keyword"},
        "status": {"type": "integer"},
        "bytes": {"type": "long"},
        "@timestamp": {"type": "date"},
        "secret": {"type": "keyword"},
    }
}
VALUES = {
    "host": ["alpha", "beta"],
    "status": {"min": 100, "max": 599},
}
QUESTIONS = (
    "how many requests failed with status 503",
    "average bytes by host",
    "top 70 entries by bytes",
    "entries of host alpha",
    "who won the world cup",
    "secret of host beta",
)
SETTINGS_OF_RUN = {
    "project.task": "querydsl",
    "task.querydsl.index": "logs",
    "task.querydsl.mapping": "mapping.json",
    "task.querydsl.values": "values.json",
    "task.querydsl.guard.size": 50,
    "task.querydsl.guard.fields": ["*", "!secret"],
    "train.student": "base:querydsl",
    "train.objective": "label-only",
    "evaluate.splits": ["test"],
    "evaluate.baselines": [],
}
ANSWER = '{"size":0,"track_total_hits":true,"query":{"term":{"status":503}}}'
POSIX = ("fcntl", "resource", "termios", "pwd", "grp")  # modules that Windows lacks
WITHOUT = """
import sys, warnings
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
for name in BLOCKED:
    sys.modules.pop(name, None)  # that Python itself imported at its start
sys.meta_path.insert(0, Blocked())
warnings.filterwarnings("error", category=EncodingWarning, module="dstill")
from dstill.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def dstill(cli: Callable[..., Any], once: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Commands in a project with the run "mine", whose student is the shipped base, and its bundle "held"."""
    off = {point.name for point in entry_points(group="dstill")} - NEEDED
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(off)))

    def build() -> None:
        (project / "mapping.json").write_text(json.dumps(MAPPING))
        (project / "values.json").write_text(json.dumps(VALUES))
        loaded = plugin_loading.load()
        config = configuration.load(
            use_files=False, flags=SETTINGS_OF_RUN, sections=plugin_loading.part_sections(loaded)
        )
        run = Run.create(project / "mine", config=config, plugins=loaded)
        for split in ("train", "validation", "test"):
            run.write(data_file(split), [row(number, split) for number in range(len(QUESTIONS))])
        base = Path(str(sys.modules["dstill_querydsl"].__file__)).with_name("base")
        student = project / "mine" / "student"
        student.mkdir()
        for name in ("model.safetensors", "linked.json", "README.md"):
            shutil.copyfile(base / name, student / name)
        learnt = data_drift.learnt_from(run.task, run.records("train"), run.context, {})
        (student / data_drift.FILE).write_text(learnt.to_json())
        scores = [-0.01 * number for number in range(100)]
        made = Calibration(slope=2.0, intercept=4.0, scores=tuple(scores), right=(True,) * 60 + (False,) * 40)
        run.write(calibration.FILE, [made])
        run.manifest["files"][calibration.FILE]["provenance"] = run.made_of(constrained=False)
        run.save()
        ended = cli("export", "mine", "--to", "bundle", "--out", "held", "--limit", "6", toy=False)
        assert ended.code == 0, ended.err
        (project / "said.txt").write_text(ended.out)

    once("held", build)
    assert cli("trust", "mine", "--yes", toy=False).code == 0  # a copy, with files beside it
    return lambda *words, **more: cli(*words, toy=False, **more)


def row(number: int, split: str) -> Record:
    question = f"{QUESTIONS[number]}, {split} please" if split != "test" else QUESTIONS[number]
    return Record(
        id=f"{split}-{number}",
        question=question,
        context={"index": "logs"},
        answer=ANSWER,
        rationale=f"because of {split} {number}",
        split=split,
        teacher="synthetic",
    )


def test_answers_and_checks_as_the_run(dstill: Callable[..., Any], project: Path) -> None:
    asked = "\n".join(QUESTIONS).encode()
    want = dstill("predict", "mine", "--json", stdin=asked)
    rows = [json.loads(line) for line in want.out.splitlines()]
    assert any(one["ok"] and one["confidence"] > 0.9 for one in rows)
    assert '"size":70' not in want.out.replace("\\", "")  # the guard of these settings
    for name in ("mapping.json", "values.json", "mine"):
        shutil.move(name, project.parent / f"{project.name}-{name}")
    shutil.move("held", "elsewhere")
    got = dstill("predict", "elsewhere", "--json", stdin=asked)
    assert (got.code, got.out) == (want.code, want.out)
    assert dstill("predict", "elsewhere", "--json", "--max-wrong", "0.1", stdin=asked).out.count('"abstained":true')
    assert "6 of 6" in (project / "said.txt").read_text()


def test_has_nothing_of_the_dataset_and_no_path(dstill: Callable[..., Any], project: Path) -> None:
    files = {file.relative_to("held").as_posix(): file for file in Path("held").rglob("*") if file.is_file()}
    about = json.loads(files["bundle.json"].read_text())
    assert files.keys() == {
        "bundle.json", "README.md", "student/model.safetensors", "student/linked.json", "student/data.json",
        "data/mapping.json", "data/values.json",
    }  # fmt: skip
    assert about["files"].keys() == files.keys() - {"bundle.json"}
    assert about["export"]["parity"]["same"] == 6
    forbidden = [str(project), *QUESTIONS, ANSWER, *(f"because of train {number}" for number in range(6))]
    for name, file in files.items():
        text = file.read_bytes().decode("utf-8", "replace")
        assert not [one for one in forbidden if one in text], name
    assert not [value for value in about["settings"].values() if isinstance(value, str) and "/" in value]


@pytest.mark.slow
def test_agents_ask_a_bundle(dstill: Callable[..., Any], project: Path) -> None:
    call = {"name": "ask", "arguments": {"question": QUESTIONS[1]}}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    said = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in said)
    with subprocess.Popen(
        [sys.executable, "-m", "dstill", "mcp", "held"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines)
        process.stdin.flush()
        _, answered = (json.loads(process.stdout.readline()) for _ in range(2))
        process.stdin.close()
    assert process.returncode == 0
    row = answered["result"]["structuredContent"]
    assert (row["ok"], row["answer"]) == (True, dstill("predict", "held", QUESTIONS[1]).out.strip())


def installed_without(extra: str) -> set[str]:
    """Modules of packages that ``dstill[extra]`` does not bring."""
    brought, pending = set[str](), [Requirement(f"dstill[{extra}]")]
    while pending:
        wanted = pending.pop()
        for line in metadata.requires(wanted.name) or ():
            one = Requirement(line)
            needed = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in wanted.extras or [""])
            if needed and one.name not in brought:
                pending.append(one)
        brought.add(canonicalize_name(wanted.name))
    packages = metadata.packages_distributions().items()
    return {module for module, of in packages if not brought & {canonicalize_name(name) for name in of}}


@pytest.mark.slow
def test_needs_the_extra_runtime_and_no_module_of_one_system(dstill: Callable[..., Any], project: Path) -> None:
    blocked = {*POSIX, *installed_without("runtime")}
    assert {"torch", "transformers", "sklearn", "elasticsearch", "tokenizers"} < blocked
    assert not {"dstill", "numpy", "starlette", "click", "jsonschema"} & blocked

    def without(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "warn_default_encoding", "-c", f"BLOCKED = {blocked!r}\n{WITHOUT}", *words],
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=300,
        )

    asked = dstill("predict", "held", QUESTIONS[1], "--json")
    ended = without("predict", "held", QUESTIONS[1], "--json")
    assert (ended.returncode, ended.stdout) == (0, asked.out), ended.stderr
    ended = without("check", "--format", "answers", "--task", "querydsl", "-", stdin=ANSWER)
    assert (ended.returncode, ended.stdout) == (0, "1: ok\n"), ended.stderr
    Path("answer.json").write_text(ANSWER.replace("status", "statsu"))
    ended = without("check", "--mapping", "mapping.json", "answer.json")
    assert (ended.returncode, "statsu" in ended.stdout) == (9, True), ended.stderr
    for command in ("ask", "serve"):
        assert without(command, "--help").returncode == 0


def test_strangers_bundle_needs_permission(dstill: Callable[..., Any], project: Path) -> None:
    trust.allow(project, ["read '/etc/passwd'"])  # of a folder above it, which does not count
    text = (project / "held" / "bundle.json").read_text()
    about = json.loads(text)
    settings = {**about["settings"], "task.querydsl.guard.size": 5_000, "task.querydsl.mapping": "/etc/passwd"}
    (project / "held" / "bundle.json").write_text(json.dumps({**about, "settings": settings, "data": {}}))
    refused = dstill("predict", "held", QUESTIONS[0])
    assert refused.code == TrustError.exit_code
    assert "read '/etc/passwd'" in refused.err
    assert "dstill trust held" in refused.err
    allowed = dstill("trust", "held", "--yes")
    assert allowed.code == 0
    assert "loosen a limit: task.querydsl.guard.size = 5000" in allowed.out
    assert dstill("predict", "held", QUESTIONS[0]).code != TrustError.exit_code


# --- the gate ---------------------------------------------------------------------------


def test_bundle_without_a_setting_of_the_guard_is_refused(
    dstill: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = bundles._settings_of

    def incomplete(setup: Any) -> Any:
        settings, files = complete(setup)
        return {key: value for key, value in settings.items() if not key.endswith("guard.size")}, files

    monkeypatch.setattr(bundles, "_settings_of", incomplete)
    free = ("--set", "student.base.constrain=false")  # it writes what the guard refuses
    ended = dstill("export", "mine", "--to", "bundle", "--out", "other", "--limit", "6", *free)
    assert ended.code == 9
    assert "the checks of the bundle say something else than those of the run of" in ended.err
    assert not Path("other").exists()


def test_bundle_with_other_answers_is_refused(dstill: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    complete = bundles.manifest_of

    def other(run: Any, folder: Path, student: Any) -> Any:
        made = complete(run, folder, student)
        text = json.dumps({"properties": {"colour": {"type": "keyword"}}})
        (folder / made.data["task.querydsl.mapping"]).write_text(text)
        return replace(made, data={key: made.data[key] for key in made.data if "values" not in key})

    monkeypatch.setattr("dstill_export.bundle.manifest_of", other)
    ended = dstill("export", "mine", "--to", "bundle", "--out", "other", "--limit", "6")
    assert ended.code == 9
    assert "as bundle, the student gives the evaluated answer to" in ended.err
    assert not Path("other").exists()


def test_missing_file_of_the_data_is_named(dstill: Callable[..., Any]) -> None:
    Path("values.json").unlink()
    ended = dstill("export", "mine", "--to", "bundle", "--out", "other", "--limit", "2")
    assert ended.code in (2, 4)
    assert "values.json" in ended.err


def test_changed_weights_are_an_error(dstill: Callable[..., Any]) -> None:
    weights = Path("held/student/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    ended = dstill("predict", "held", QUESTIONS[0])
    assert ended.code == RunError.exit_code
    assert "student/model.safetensors has changed since the bundle was made" in ended.err
