"""docs/architecture.md follows one record through dstill and matches the code."""

from __future__ import annotations

import ast
import doctest
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.unsure import calibrated, trained
from support.walks import CORE, followed

from dstill import Run, hookimpl
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.records import Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.plugins import PluginInfo, Plugins

# Command → its file of the command line. Of the first three, a method of `Run` is followed, which does not run it.
COMMANDS = {"generate": "cli/data.py", "evaluate": "cli/evaluate.py", "train": "cli/train.py", "ask": "cli/ask.py"}
Callers = dict[str, dict[str, set[str]]]  # command → file → the files that called it
INNER = ("answering/", "confidence/", "inputs/", "quality/", "runs/", "stages/", "teacher/")


def test_page_names_the_files_that_one_record_passes(root: Path) -> None:
    result = doctest.testfile(str(root / "docs" / "architecture.md"), module_relative=False)
    assert result.attempted >= 20
    assert not result.failed


# --- the files of the walk --------------------------------------------------------------


class Scholar(Teacher):
    """Is wrong at first."""

    name = "scholar"
    paid = True

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name}

    async def ask(self, prompt: Prompt) -> Reply:
        told = prompt.messages[-1].content.startswith("That reply")
        answer = prompt.example.answer if told else "100+1"
        return Reply(id=prompt.example.id, text=self.task.reply_text("so it is", answer or ""))


@pytest.fixture
def run(plugins: Plugins, project: Path) -> Run:
    """A run of one question, which the teacher answers at the second request."""
    module = ModuleType("scholars")
    module.register_teachers = hookimpl(lambda: [Scholar])  # type: ignore[attr-defined]
    plugins.add(module, PluginInfo(name="scholars"))
    row = {"id": "q-1", "question": "add 1 and 2", "answer": "1+2", "split": "train"}
    (project / "questions.jsonl").write_text(json.dumps(row) + "\n")
    flags = {
        "project.task": "toy",
        "generate.questions": "questions.jsonl",
        "generate.teacher": "scholar",
        "train.student": "memory",
        "train.objective": "plain",
    }
    config = configuration.load(flags=flags, sections=plugin_loading.part_sections(plugins))
    return Run.create(project / "mine", config=config, plugins=plugins)


@pytest.fixture
def generate(run: Run) -> Callable[[], None]:
    """Makes the dataset."""

    def generate() -> None:
        facts = run.generate()
        assert (facts["accepted"], facts["retries"]) == (1, {"other_answer": 1})  # it went all the way

    return generate


@pytest.fixture
def train(run: Run) -> Callable[[], None]:
    """Trains a student of the tests on it: what students of plugins do is no part of the walk."""
    run.generate()

    def train() -> None:
        facts = run.train(allow_unreviewed=True, restart=True)
        assert (facts["student"], facts["modality"]) == ("memory", "heap")

    return train


@pytest.fixture
def evaluate(toy_file: Path, project: Path) -> Callable[[], None]:
    """Scores a student that knows how sure it is, and a baseline."""
    loaded = plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])
    run = calibrated(trained(loaded, project / "scored", {"train": 5, "test": 20}))

    def evaluate() -> None:
        facts = run.evaluate()
        assert {*facts["scores"]} == {"student", "untrained"}
        assert facts["confidence"]["splits"]["test"]["n"] == 20

    return evaluate


@pytest.fixture
def ask(cli: Callable[..., Any], toy_file: Path, project: Path) -> Callable[[], None]:
    """Asks the student of a calibrated run about the data of a server."""
    unsure = toy_file.with_name("unsure.py")
    calibrated(trained(plugin_loading.load([toy_file, unsure]), project / "asked", {"train": 5}))
    server = ("--engine-url", "http://abacus:20", "--set", "engine.name=abacus")

    def ask() -> None:
        ended = cli("--plugin", unsure, "ask", *server, "--student", "asked", "add 3 and 4")
        assert ended.code == 0, ended.err
        _, answer, result = ended.out.splitlines()
        assert sum(map(int, answer.split("+"))) == int(result)
        assert "confidence 0." in ended.err

    return ask


@dataclass(frozen=True, kw_only=True)
class Described:
    """What docs/architecture.md says about how commands run."""

    walks: Mapping[str, list[str]]  # command → its files
    helpers: frozenset[str]
    folders: tuple[str, ...]  # of more helpers


@pytest.fixture(scope="session")
def described(root: Path) -> Described:
    text = (root / "docs" / "architecture.md").read_text()
    section = text.partition("## How a command runs\n")[2].partition("\n## ")[0]
    commands = re.findall(r"^### dstill (\w+)\n(.*?)(?=^\S)", section, re.MULTILINE | re.DOTALL)
    helpers, folders = set[str](), list[str]()
    for item in re.findall(r"^- (.*?)(?=^- |^$)", section, re.MULTILINE | re.DOTALL):
        found = re.findall(r"`(\S+)`", item)
        if item.startswith("all of"):
            folders += found
        else:
            folder = found.pop(0) if found[0].endswith("/") else ""
            helpers.update(f"{folder}{name}" for name in found)
    return Described(
        walks={name: re.findall(r"^    (\S+\.py) ", text, re.MULTILINE) for name, text in commands},
        helpers=frozenset(helpers),
        folders=tuple(folders),
    )


@pytest.fixture(scope="module")
def known() -> Callers:
    return {}


@pytest.fixture
def ran(request: pytest.FixtureRequest, known: Callers) -> Callable[[str], dict[str, set[str]]]:
    """Runs a command once. Gives the files whose functions ran, each with those that called them."""

    def run(command: str) -> dict[str, set[str]]:
        if command not in known:
            start: Callable[[], None] = request.getfixturevalue(command)
            with followed(CORE, since="cli/ask.py" if command == "ask" else "") as known[command]:
                start()
        return known[command]

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_one_record_is_followed_in_at_most_twelve_files(command: str, described: Described, ran: Any) -> None:
    walk = {*described.walks[command]}
    assert 8 <= len(described.walks[command]) == len(walk) <= 12
    callers = ran(command)
    assert all((CORE / name).exists() for name in walk)
    assert callers.keys() | {COMMANDS[command]} >= walk, "the walk names a file that nothing comes to"
    missing = {name for name in callers.keys() - walk - described.helpers if not name.startswith(described.folders)}
    assert not missing, "neither in the walk nor among its helpers"


@pytest.mark.parametrize("command", COMMANDS)
def test_no_call_goes_back(command: str, described: Described, ran: Any) -> None:
    callers = ran(command)
    inner = {name for name in callers if name.startswith(INNER)} | {*described.walks[command]}
    graph = {name: (callers[name] & inner) - {name} for name in inner & callers.keys()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_every_helper_is_called(described: Described, ran: Any) -> None:
    called: set[str] = set()
    for command in COMMANDS:
        called |= ran(command).keys()
    assert called >= described.helpers, "a helper that nothing calls"
    assert described.walks.keys() == set(COMMANDS)


# --- only runs/ writes a run's files ----------------------------------------------------

WRITES = {
    "append_row", "append_rows", "atomic", "atomic_folder", "copy2", "copyfile", "copytree", "hardlink_to",
    "link_tree", "makedirs", "mkdir", "move", "rename", "renewed", "replace_dir", "rmdir", "rmtree", "save_file",
    "save_pretrained", "symlink_to", "touch", "unlink", "write_bytes", "write_rows", "write_text",
}  # fmt: skip

# Modules outside runs/ and io/ that write files, and where: none is a file of a run, except those of a student.
USER = "a file or folder that the user names, outside a run"
SETTINGS = "the user's own settings"
REPLIES = "the reply store of the project, beside runs/"
STUDENT = "the folders that a TrainingJob names: a student or baseline saves itself"
EXPORT = "the new folder of an export, which the user names"
BASE = "a base, which is made without a run"
WRITERS = {
    "core/dstill/cli/check.py": USER,
    "core/dstill/cli/groups.py": "nothing: click calls its formatter's method so",
    "core/dstill/cli/init.py": USER,
    "core/dstill/cli/new_pack.py": USER,
    "core/dstill/cli/questions.py": USER,
    "core/dstill/cli/results.py": USER,
    "core/dstill/inputs/feedback.py": USER,
    "core/dstill/teacher/batch_log.py": REPLIES,
    "core/dstill/teacher/inflight.py": REPLIES,
    "core/dstill/trust.py": SETTINGS,
    "plugins/dstill_evaluate/nearest_neighbour.py": STUDENT,
    "plugins/dstill_export/adapter.py": EXPORT,
    "plugins/dstill_export/bundle.py": EXPORT,
    "plugins/dstill_export/ctranslate2.py": EXPORT,
    "plugins/dstill_export/exporting.py": EXPORT,
    "plugins/dstill_export/formats.py": EXPORT,
    "plugins/dstill_export/gguf.py": EXPORT,
    "plugins/dstill_export/licences.py": EXPORT,
    "plugins/dstill_export/llama_cpp.py": EXPORT,
    "plugins/dstill_export/merged.py": EXPORT,
    "plugins/dstill_export/plain_tokenizer.py": EXPORT,
    "plugins/dstill_linked/making/curve.py": BASE,
    "plugins/dstill_linked/making/publishing.py": BASE,
    "plugins/dstill_linked/making/training.py": BASE,
    "plugins/dstill_torch/checkpoints.py": STUDENT,
    "plugins/dstill_torch/reporting.py": STUDENT,
    "plugins/dstill_finetune/student_metadata.py": STUDENT,
    "plugins/dstill_finetune/students.py": STUDENT,
    "plugins/dstill_finetune/tiny.py": STUDENT,
    "plugins/dstill_torch/student.py": STUDENT,
    "plugins/dstill_torch/step_trainer.py": STUDENT,
    "plugins/dstill_improve/ledger.py": "the uses of gates, a file of the project beside runs/",
    "plugins/dstill_linked/model.py": STUDENT,
    "plugins/dstill_linked/saving.py": STUDENT,
    "plugins/dstill_linked/student.py": STUDENT,
    "plugins/dstill_ray/cluster.py": "os.devnull",
    "plugins/dstill_serve/feedback.py": USER,
}


def writes(source: str) -> Iterator[str]:
    """The calls in `source` that write, rename or delete files."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        of = call.func
        name = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
        if name in WRITES or (name == "open" and any(_is_writing_mode(one) for one in _arguments(call))):
            yield name
        elif name == "replace" and isinstance(of, ast.Attribute) and len(call.args) == 1 and not call.keywords:
            yield "Path.replace"


def _arguments(call: ast.Call) -> Iterable[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_writing_mode(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(re.fullmatch(r"[rbt]*[wax+][rbt+]*", str(value.value)))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('open(path, "w")', ["open"]),
        ('path.open(mode="r+b")', ["open"]),
        ('open(path, "rb", opener=regular)', []),
        ('files.write_text(run.folder / "a", text)', ["write_text"]),
        ("temporary.replace(path)", ["Path.replace"]),
        ('text.replace("a", "b")', []),
        ('run.write_file("a", text)', []),
    ],
)
def test_a_write_is_found(source: str, found: list[str]) -> None:
    assert list(writes(source)) == found


def test_only_runs_writes_the_files_of_a_run(root: Path) -> None:
    own = (root / "core" / "dstill" / "runs", root / "core" / "dstill" / "io")
    files = [file for folder in ("core/dstill", "plugins") for file in (root / folder).rglob("*.py")]
    found = {
        file.relative_to(root).as_posix(): names
        for file in files
        if not any(file.is_relative_to(folder) for folder in own) and (names := [*writes(file.read_text())])
    }
    others = {file: names for file, names in found.items() if file not in WRITERS}
    assert not others, "use RunFolder.write, write_file or write_folder"
    assert WRITERS.keys() <= found.keys(), "it writes no longer: take it off the list"
