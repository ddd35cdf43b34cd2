"""`dstill runs push` to a hub on loopback: what is uploaded, what is refused, and how it goes on after a failure."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.loopback_hub import TOKEN, LoopbackHub
from support.terminal import shown

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.inputs.question_files import read_questions
from dstill.quality.review import FILE, Decision, digest
from dstill_export.licences import UNKNOWN_LICENCE

# huggingface_hub calls its HTTP library in a way that the newest release of that library warns about
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Call = Callable[..., Any]
FLAGS = ("--set=train.student=memory", "--set=train.objective=plain", "--set=train.modality=heap")
HUB_ID = "google/flan-t5-small"


@pytest.fixture
def call(cli: Call, enable: Callable[..., None]) -> Call:
    """A command with the toy and `dstill runs push` loaded."""
    enable("export")
    return cli


@pytest.fixture
def run(call: Call, once: Callable[..., None], project: Path, toy_file: Path) -> Run:
    """A run with a student that the toy trained, evaluated on the abacus."""

    def build() -> None:
        for words in (
            ("generate", "--task", "toy", "--teacher", "parrot", "--out", "mine"),
            ("train", "mine", *FLAGS),
            ("evaluate", "mine", "--set", "evaluate.baselines=[]"),
        ):
            ended = call(*words)
            assert ended.code == 0, ended.err

    once("evaluated", build)
    return Run.open(project / "mine", plugins=plugin_loading.load([toy_file]))


@pytest.fixture
def export(run: Run, project: Path) -> Callable[..., Path]:
    """``export(licence="mit")`` writes a folder as `dstill export` does."""

    def write(files: Mapping[str, bytes | str] | None = None, **facts: Any) -> Path:
        folder = project / "exported"
        folder.mkdir(exist_ok=True)
        contents = {"model.safetensors": bytes(range(256)) * 40, "student.json": '{"base": ""}', **(files or {})}
        for name, data in contents.items():
            (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in contents}
        (folder / "README.md").write_text("---\nlibrary_name: transformers\n---\n\n# A dstill student as merged\n")
        about = {"run": "mine", "task": "toy", "base": HUB_ID, "licence": "apache-2.0", "sha256": digests}
        about["training"] = run.stages["train"]["id"]
        (folder / "export.json").write_text(json.dumps({**about, **facts}))
        return folder

    return write


@pytest.fixture
def login(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def metadata(hub: LoopbackHub, name: str) -> dict[str, Any]:
    from huggingface_hub import ModelCard

    data: Any = ModelCard(hub.repos[name].files["README.md"].decode()).data
    return data.to_dict()


PUSH = ("runs", "push", "mine", "acme/student", "--export", "exported", "--dataset", "acme/sums")


# --- what is uploaded -------------------------------------------------------------------


def test_student_and_dataset_are_uploaded_once(
    hub: LoopbackHub, login: None, run: Run, export: Any, call: Call
) -> None:
    export({"BASE.md": "# The base\n", "LICENSE": "Apache\n"})
    ended = call(*PUSH, "--yes")
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"dataset {hub.url}/datasets/acme/sums (public, licence: unknown)\n  README.md  ")
    assert f"model {hub.url}/acme/student (public, licence: apache-2.0)\n" in ended.out
    assert "  model.safetensors  10.2 kB\n" in ended.out
    student, sums = hub.repos["acme/student"], hub.repos["datasets/acme/sums"]
    for name in ("model.safetensors", "student.json", "BASE.md", "LICENSE", "export.json"):
        assert student.files[name] == Path("exported", name).read_bytes()
    assert set(student.files) - {".gitattributes"} == {file.name for file in Path("exported").iterdir()}
    for split in ("train", "validation", "test"):
        assert sums.files[f"data/{split}.jsonl"] == (run.folder / f"dataset/data/{split}.jsonl").read_bytes()
    assert sums.files["README.md"] == (run.folder / "dataset/README.md").read_bytes()
    pushed = Run.open(run.folder, plugins=run.plugins).manifest["stages"]["push"]["pushed"]
    assert {name: about["commit"] for name, about in pushed.items()} == {
        "datasets/acme/sums": sums.head,
        "acme/student": student.head,
    }
    again = call(*PUSH, "--yes")
    assert again.code == 0, again.err
    assert f"{hub.url}/acme/student: nothing has changed since commit {student.head[:12]}" in again.out
    assert (len(student.commits), len(sums.commits), len(hub.uploads)) == (2, 2, 1)
    assert TOKEN not in ended.out + ended.err + again.out + again.err


def test_the_card_has_base_licence_and_scores(hub: LoopbackHub, login: None, run: Run, export: Any, call: Call) -> None:
    export({"BASE.md": "# The base\n"})
    assert call(*PUSH, "--yes").code == 0
    data = metadata(hub, "acme/student")
    assert {key: data[key] for key in ("base_model", "license", "datasets", "library_name")} == {
        "base_model": HUB_ID,
        "license": "apache-2.0",
        "datasets": ["acme/sums"],
        "library_name": "transformers",
    }
    (entry,) = data["model-index"]
    assert entry["name"] == "student"
    scores = run.manifest["stages"]["evaluate"]["scores"]["student"]["test"]
    (result,) = entry["results"]
    assert result["dataset"] == {"name": "acme/sums", "type": "acme/sums", "split": "test"}
    assert result["task"] == {"type": "text-generation", "name": "toy"}
    assert {one["type"]: (one["value"], one["args"]["n"]) for one in result["metrics"]} == {
        name: (round(scores[name]["value"], 4), scores[name]["n"])
        for name in ("executable_accuracy", "exact_match", "silent_error_rate")
    }
    text = hub.repos["acme/student"].files["README.md"].decode()
    assert "# A dstill student as merged" in text
    assert "| split | Executable accuracy | Exact match | Silently wrong |" in text
    assert f"Trained from `{HUB_ID}`, licence: apache-2.0. The licence applies to this student too." in text
    assert "[BASE.md](BASE.md)" in text


def test_what_is_pushed_is_read_back(hub: LoopbackHub, login: None, run: Run, call: Call) -> None:
    assert call("runs", "push", "mine", "--dataset", "acme/sums", "--private", "--yes").code == 0
    assert hub.repos["datasets/acme/sums"].private
    found = {one.id: one for one in read_questions("hf://datasets/acme/sums", parse=run.task.parse)}
    for split in ("train", "validation", "test"):
        for record in run.records(split):
            one = found.pop(record.id)
            assert (one.question, one.answer, one.split) == (record.question, record.answer, split)
            assert (one.rationale, one.category, one.template) == (record.rationale, record.category, record.template)
    assert found == {}


def test_the_review_decides_which_rows_are_uploaded(hub: LoopbackHub, login: None, run: Run, call: Call) -> None:
    first, second = run.records("train")[:2]
    at = {"who": "me", "when": "2026-01-01T00:00:00+00:00"}
    run.append(FILE, Decision(id=first.id, digest=digest(first), decision="reject", **at))
    edit = {"answer": second.answer, "rationale": "as a person says"}
    run.append(FILE, Decision(id=second.id, digest=digest(second), decision="edit", **edit, **at))
    assert call("runs", "push", "mine", "--dataset", "acme/sums", "--yes").code == 0
    files = hub.repos["datasets/acme/sums"].files
    rows = {row["id"]: row for row in map(json.loads, files["data/train.jsonl"].splitlines())}
    assert first.id not in rows
    assert rows[second.id]["rationale"] == "as a person says"
    assert b"1 were rejected and are not here, 1 edited." in files["README.md"]


def test_a_student_without_scores_or_licence_says_so(
    hub: LoopbackHub, login: None, run: Run, export: Any, call: Call
) -> None:
    assert call("train", "mine", "--restart", *FLAGS).code == 0
    export(base="", licence="", training=Run.open("mine", plugins=run.plugins).stages["train"]["id"])
    ended = call("runs", "push", "mine", "acme/student", "--export", "exported", "--yes")
    assert ended.code == 0, ended.err
    assert "note: the student was not evaluated: its card has no scores" in ended.out
    assert "note: the card names no licence" in ended.out
    assert {"model-index", "license", "base_model"} & set(metadata(hub, "acme/student")) == set()
    assert (
        call("runs", "push", "mine", "acme/two", "--export", "exported", "--licence", "My Own 1.0", "--yes").code == 0
    )
    data = metadata(hub, "acme/two")
    assert (data["license"], data["license_name"]) == ("other", "my-own-1.0")


# --- asked first ------------------------------------------------------------------------


def test_a_dry_run_sends_nothing(hub: LoopbackHub, export: Any, call: Call) -> None:
    export()
    ended = call(*PUSH, "--dry-run", "--json")
    assert ended.code == 0, ended.err
    sums, student = json.loads(ended.out.splitlines()[-1])["repositories"]
    assert (sums["address"], student["address"]) == (f"{hub.url}/datasets/acme/sums", f"{hub.url}/acme/student")
    assert student["files"]["model.safetensors"] == 10240
    assert set(sums["files"]) == {"README.md", "data/train.jsonl", "data/validation.jsonl", "data/test.jsonl"}
    assert hub.seen == []


def test_scripts_have_to_say_yes(hub: LoopbackHub, login: None, export: Any, call: Call) -> None:
    export()
    ended = call(*PUSH)
    assert ended.code == 2
    assert "cannot ask before the upload: stdin is not a terminal" in ended.err
    assert hub.repos == {}


def test_a_no_at_the_terminal_uploads_nothing(hub: LoopbackHub, login: None, export: Any, toy_file: Path) -> None:
    export()
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), *PUSH]
    environment = {**os.environ, "HF_HUB_DISABLE_XET": "1", "NO_COLOR": "1", "TERM": "dumb"}
    off = set(os.environ["DSTILL_DISABLE"].split(",")) - {"export"}
    environment["DSTILL_DISABLE"] = ",".join(sorted(off))
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        os.write(ours, b"n\n")
        said = shown(ours)
    assert process.returncode == 130
    assert "  model.safetensors  10.2 kB\n" in said
    assert "upload this? [y/N]" in said
    assert hub.repos == {}


def test_only_people_who_are_logged_in_upload(hub: LoopbackHub, export: Any, call: Call) -> None:
    export()
    ended = call(*PUSH, "--yes")
    assert ended.code == 6
    assert "uploading needs a token of the Hugging Face hub" in ended.err
    assert hub.seen == []


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "words", "message"),
    [
        (
            {"licence": UNKNOWN_LICENCE},
            (),
            "the licence of the base is unknown, so nothing",
        ),
        ({"licence": "gemma"}, ("--licence", "mit"), "the base has the licence 'gemma'"),
        ({"training": "another"}, (), "the export is not of the student that run 'mine' has now"),
        ({"sha256": {"model.safetensors": "0"}}, (), "a file of the export is gone, or has changed since"),
        ({"sha256": {"../mine/run.json": "0"}}, (), "'../mine/run.json' is not a file below"),
        ({"sha256": []}, (), "not a folder that `dstill export` wrote"),
    ],
)
def test_refused_exports(
    hub: LoopbackHub, login: None, export: Any, call: Call, facts: Any, words: Any, message: str
) -> None:
    export(**facts)
    ended = call("runs", "push", "mine", "acme/student", "--export", "exported", *words, "--yes")
    assert ended.code in (2, 5)
    assert message in ended.err
    assert hub.seen == []


def test_an_unknown_licence_may_be_uploaded_in_private_or_named(
    hub: LoopbackHub, login: None, export: Any, call: Call
) -> None:
    export(licence=UNKNOWN_LICENCE)
    words = ("runs", "push", "mine", "acme/student", "--export", "exported", "--yes")
    assert call(*words, "--private").code == 0
    assert "license" not in metadata(hub, "acme/student")
    assert call(*words, "--licence", "gemma").code == 0
    assert metadata(hub, "acme/student")["license"] == "gemma"


@pytest.mark.parametrize("words", [(), ("acme",), ("acme/student",), ("acme/a/b", "--export", "exported")])
def test_refused_arguments(hub: LoopbackHub, export: Any, call: Call, words: Any) -> None:
    export()
    ended = call("runs", "push", "mine", *words, "--yes")
    assert ended.code == 2
    assert hub.seen == []


def test_keys_are_not_uploaded(hub: LoopbackHub, login: None, run: Run, export: Any, call: Call) -> None:
    key = "sk-" + "a1b2c3d4" * 4
    export({"notes.txt": f"first\nkey = {key}\n"})
    ended = call("runs", "push", "mine", "acme/student", "--export", "exported", "--yes")
    assert ended.code == 4
    assert "a line looks like a key or a password (not shown): nothing was uploaded" in ended.err
    assert "acme/student: notes.txt:2" in ended.err
    assert key not in ended.err
    first = run.records("train")[0]
    at = {"who": "me", "when": "2026-01-01T00:00:00+00:00"}
    edit = {"answer": first.answer, "rationale": f"because {key}"}
    run.append(FILE, Decision(id=first.id, digest=digest(first), decision="edit", **edit, **at))
    ended = call("runs", "push", "mine", "--dataset", "acme/sums", "--yes")
    assert ended.code == 4
    assert "datasets/acme/sums: data/train.jsonl:1" in ended.err
    assert hub.seen == []


def test_folders_of_this_machine_are_named(hub: LoopbackHub, export: Any, call: Call, project: Path) -> None:
    export({"student.json": json.dumps({"base": f"{project}/models/llama"})})
    ended = call("runs", "push", "mine", "acme/student", "--export", "exported", "--dry-run")
    assert f"note: student.json names a folder of this machine: {project}" in ended.out


def test_a_public_repository_does_not_become_private(hub: LoopbackHub, login: None, export: Any, call: Call) -> None:
    export()
    hub.put("acme/student", {"README.md": "mine", "old.safetensors": b"x"})
    ended = call(*PUSH, "--private", "--yes")
    assert ended.code == 2
    assert "acme/student exists and is public, so --private cannot hold" in ended.err
    assert "datasets/acme/sums" not in hub.repos
    ended = call(*PUSH, "--yes")
    assert ended.code == 0, ended.err
    assert "note: 1 other files of the repository stay: old.safetensors" in ended.out
    assert hub.repos["acme/student"].files["old.safetensors"] == b"x"


# --- failures ---------------------------------------------------------------------------


def test_failed_upload_says_what_is_complete_and_can_be_continued(
    hub: LoopbackHub, login: None, run: Run, export: Any, call: Call
) -> None:
    export()
    hub.fail = {"commit acme/student": 400}
    ended = call(*PUSH, "--yes")
    assert ended.code == 7
    assert "the hub refused the request (400): this fails on purpose" in ended.err
    assert "datasets/acme/sums is complete, acme/student has no new commit; to continue: dstill runs push" in ended.err
    assert set(hub.repos["acme/student"].files) == {".gitattributes"}
    assert len(hub.uploads) == 1
    hub.fail = {}
    command = ended.err.partition("to continue: dstill ")[2].strip().split()
    ended = call(*command, "--yes")
    assert ended.code == 0, ended.err
    assert len(hub.uploads) == 1  # the weights were there already
    assert len(hub.repos["datasets/acme/sums"].commits) == 2
    assert "model.safetensors" in hub.repos["acme/student"].files


def test_refusals_of_the_hub_end_with_its_reason(hub: LoopbackHub, login: None, export: Any, call: Call) -> None:
    export()
    ended = call("runs", "push", "mine", "others/student", "--export", "exported", "--yes")
    assert ended.code == 6
    assert "the hub refused the request (403): You don't have the rights" in ended.err
    assert "others/student has no new commit" in ended.err


# --- with a student ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_student_that_was_pushed_answers_after_a_download(
    hub: LoopbackHub, login: None, call: Call, student: Callable[[str], Run], enable: Callable[..., None]
) -> None:
    """From training to the hub and back: the export of a student of a local base, with that base's card and licence."""
    from huggingface_hub import snapshot_download

    from dstill.api.records import Example, ModelInput
    from dstill_export.merged import Merged

    enable("finetune", "torch")
    run = student("llama")
    made = call("export", run.folder, "--to", "merged", "--out", "out", "--limit", 4)
    assert made.code == 0, made.err
    ended = call("runs", "push", run.folder, "acme/llama", "--export", "out", "--yes")
    assert ended.code == 0, ended.err
    folder = Path(snapshot_download("acme/llama", endpoint=hub.url, token=False))
    assert (folder / "BASE.md").read_text().endswith("# A small Llama\n")
    data = metadata(hub, "acme/llama")
    assert data["license"] == "apache-2.0"
    assert "base_model" not in data  # a folder on this machine
    question = ModelInput(text="predict: add 1 and 2", example=Example(id="1", question="add 1 and 2"))
    (answer,) = Merged().load(folder).generate([question])
    assert answer.text == "1+2"
