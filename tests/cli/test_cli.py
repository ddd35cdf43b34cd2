"""The command line: the output of each command as text and as JSON, and its exit code."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import WITH_TOY
from support.terminal import in_terminal

from dstill.cli import console, main
from dstill.cli.train import show_training
from dstill.errors import Interrupted
from dstill.runs.run import Run

Cli = Callable[..., Any]


def last_object(ended: Any) -> Any:
    """The object on the last line of stdout."""
    return json.loads(ended.out.splitlines()[-1])


TRAIN = ("train", "mine", "--student", "memory", "--objective", "plain")


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("mine/run.json").read_text())
    return found


# --- help, version, no command ----------------------------------------------------------


def test_help_lists_commands_of_plugins(cli: Cli) -> None:
    assert "squawk" in cli("--help").out
    assert cli("squawk").out == "squawk\n"
    assert "squawk" not in cli("--help", toy=False).out


def test_shows_help_without_a_command(cli: Cli) -> None:
    ended = cli(toy=False)
    assert ended.code == 2
    assert ended.err.startswith("Usage: dstill")
    assert "error:" not in ended.err


def test_version(cli: Cli) -> None:
    import dstill

    assert cli("--version").out == f"dstill, version {dstill.__version__}\n"


def test_main_exits_with_the_code_of_the_error(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2


# --- errors -----------------------------------------------------------------------------


BUG = """
from dstill import hookimpl

@hookimpl
def register_commands(cli):
    @cli.command()
    def fail():
        raise KeyError("a bug")
"""


@pytest.mark.parametrize("words", [["--debug", "--plugin", "bug.py", "fail"], ["--plugin=bug.py", "fail", "--debug"]])
def test_debug_shows_the_traceback(cli: Cli, words: list[str]) -> None:
    Path("bug.py").write_text(BUG)
    ended = cli(*words)
    assert "Traceback (most recent call last)" in ended.err
    assert "error: bug in dstill: KeyError" in ended.err


# --- the installation -------------------------------------------------------------------


def test_plugins_lists_parts_with_their_plugin(cli: Cli) -> None:
    listed = last_object(cli("pack", "list", "--json"))
    assert {
        "kind": "tasks",
        "name": "toy",
        "plugin": "toy",
        "about": "Sums and differences of small numbers.",
    } in listed["parts"]
    assert {p["name"] for p in listed["plugins"]} == {"conformance", "evaluate", "teachers", "toy"}
    assert listed["failures"] == []
    text = cli("pack", "list").out
    assert "parrot" in text
    assert "Says the gold" in text


def test_doctor_names_missing_extras(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that lack only what an extra inside of them needs."""
    from dstill.cli import extras

    monkeypatch.setattr(extras, "is_installed", lambda name: name != "prometheus-client")
    assert "--extras lists the others" in cli("doctor").out
    ended = cli("doctor", "--extras")
    said = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "extra serve prometheus-client missing" in said
    assert "extra runtime prometheus-client missing" in said
    names = [line.partition(" ")[0] for line in said]
    assert names.index("engine") < names.index("extra")  # what is the user's own comes first
    assert next(line for line in said if line.startswith("extras")).endswith("installed ok")
    assert len(said) < 20
    rows = json.loads(cli("doctor", "--json").out)["checks"]
    assert {"what": "extra review", "found": "starlette, uvicorn", "state": "ok"} in rows
    at = said.index("Missing extras: runtime, runtime-text, serve. To add those that you need:")
    assert said[at + 1] == "pip install 'dstill[EXTRA,…]'"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["pack", "list"], ["doctor"], ["generate", "--help"]])
def test_failed_plugin_is_named_and_the_rest_works(cli: Cli, words: list[str]) -> None:
    Path("bad.py").write_text("1 / 0")
    ended = cli("--plugin", "bad.py", *words)
    assert ended.code == 3
    assert "plugin 'bad': ZeroDivisionError: division by zero (disable it with DSTILL_DISABLE=bad)" in ended.err
    assert ended.out


def test_failed_plugin_is_listed_in_json(cli: Cli) -> None:
    Path("bad.py").write_text("1 / 0")
    listed, failed = map(json.loads, cli("--plugin", "bad.py", "pack", "list", "--json").out.splitlines())
    problem = "ZeroDivisionError: division by zero"
    assert listed["failures"] == [{"plugin": "bad", "version": "", "problem": problem, "source": "bad.py", "part": ""}]
    assert {plugin["name"] for plugin in listed["plugins"]} == {"conformance", "evaluate", "teachers", "toy"}
    assert (failed["error"]["code"], failed["error"]["where"]) == ("failed_items", "bad.py")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(cli: Cli, shell: str) -> None:
    assert "_DSTILL_COMPLETE" in cli("completion", shell).out


def test_completion_detects_the_shell(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "compdef" in cli("completion").out
    monkeypatch.setenv("SHELL", "/bin/sh")
    ended = cli("completion")
    assert ended.code == 2
    assert ended.err == "error: no completion for 'sh'\nwhere: SHELL\nhint: choose one of bash, zsh, fish\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dstill ge", {"generate"}),
        ("dstill generate --teacher p", {"parrot"}),
        ("dstill runs ", {"list", "show", "rm", "trace", "track"}),
    ],
)
def test_completion_knows_commands_and_parts(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str, found: set[str]
) -> None:
    monkeypatch.setenv("_DSTILL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    ended = cli()
    assert {line.partition(",")[2] for line in ended.out.splitlines()} == found


# --- configuration ----------------------------------------------------------------------


def test_config_show_output_is_an_equivalent_file(cli: Cli) -> None:
    text = cli("config", "show", "--set", "train.r=8", "--set", "task.toy.prefix=hey ").out
    Path("other.toml").write_text(text)
    ended = cli("--config", "other.toml", "config", "show")
    assert ended.out == text
    assert "r = 8" in text
    assert "# max_usd =   (unset)" in text
    assert "[task.toy.limits]\nmost = 9" in text


def test_config_show_names_the_origin_of_each_value(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_TRAIN__LABEL_WEIGHT", "0.25")
    Path("dstill.toml").write_text("[project]\nseed = 5\n")
    shown = last_object(cli("config", "show", "--origin", "--json", "--set", "train.r=8"))
    assert shown["project.seed"] == {"value": 5, "origin": "dstill.toml:2"}
    assert shown["train.label_weight"] == {"value": 0.25, "origin": "environment DSTILL_TRAIN__LABEL_WEIGHT"}
    assert shown["train.r"] == {"value": 8, "origin": "command line"}
    assert shown["train.lora_alpha"] == {"value": 64, "origin": "default"}
    assert last_object(cli("config", "show", "--json"))["project.seed"] == 5
    text = cli("config", "show", "--origin").out
    assert "dstill.toml:2" in text


# --- questions and check ----------------------------------------------------------------


def test_questions_have_golds(cli: Cli) -> None:
    rows = [json.loads(line) for line in cli("data", "questions", "-n", "3", "--seed", "1", "--json").out.splitlines()]
    assert [row["id"] for row in rows] == ["made-0", "made-1", "made-2"]
    assert rows[0]["question"] == "add 2 and 1"
    assert cli("data", "questions", "-n", "1", "--seed", "1").out == "add 2 and 1\n    2+1\n"


@pytest.mark.parametrize(
    ("answer", "code"), [("1+2", 0), ("none", 0), ("<rationale>r</rationale><answer>1+2</answer>", 0), ("1*2", 9)]
)
def test_check_takes_one_answer_from_stdin_or_a_file(cli: Cli, answer: str, code: int) -> None:
    from_stdin = cli("check", "--format", "answers", stdin=answer.encode())
    Path("answer.txt").write_text(answer)
    from_file = cli("check", "--format", "answers", "answer.txt")
    assert (from_stdin.code, from_stdin.out) == (from_file.code, from_file.out)
    assert from_file.code == code
    assert from_file.out.startswith("1: ok" if code == 0 else "1: failed")


ROWS = b"""{"id": "a", "query": "1+2"}
{"id": "b", "query": "100+1"}

{"id": "c", "query": "01+2"}
{"id": "d", "query": "words"}
{"id": "e", "query": "100+1", "mapping": {"digits": 3}}
{"id": 6, "query": {"an": "object"}}
"""


def test_check_reads_jsonl_rows(cli: Cli) -> None:
    ended = cli("check", "--format", "jsonl", stdin=ROWS)
    rows = {row["id"]: row for row in map(json.loads, ended.out.splitlines())}
    assert ended.code == 9
    assert ended.err == ""
    assert {id: row["ok"] for id, row in rows.items()} == {
        "a": True,
        "b": False,
        "c": True,
        "d": False,
        "e": True,
        6: False,  # ids keep their type
    }
    assert rows["b"]["problems"] == [
        {
            "layer": "digits",
            "severity": "error",
            "code": "too_long",
            "message": "100 has more than 2 digits",
            "pointer": "/0",
            "hint": "",
        }
    ]
    assert rows["c"]["problems"][0]["severity"] == "warning"
    assert rows[6]["problems"][0]["message"] == """'{"an":"object"}' is no sum"""
    Path("rows.jsonl").write_bytes(ROWS)
    assert cli("check", "--format", "jsonl", "rows.jsonl") == ended


def test_check_reads_bare_answers_line_by_line(cli: Cli) -> None:
    """A search body has a key "query" itself: it is an answer, not a row."""
    Path("answers.jsonl").write_text('{"query": {"a": 1}}\n{"size": 5}\n{"id": "c", "query": "1+2"}\n')
    rows = [json.loads(line) for line in cli("check", "--format", "jsonl", "answers.jsonl").out.splitlines()]
    assert [(row["id"], row["ok"]) for row in rows] == [("1", False), ("2", False), ("c", True)]
    messages = [row["problems"][0]["message"] for row in rows[:2]]
    assert messages == ["""'{"query": {"a": 1}}' is no sum""", """'{"size": 5}' is no sum"""]


def test_check_by_layer_and_with_a_mapping(cli: Cli) -> None:
    Path("mapping.json").write_text('{"digits": 3}')
    assert cli("check", "--format", "answers", "--mapping", "mapping.json", stdin=b"100+1").code == 0
    assert cli("check", "--format", "answers", "--layer", "form", stdin=b"100+1").code == 0
    assert cli("check", "--format", "answers", "--layer", "digits", stdin=b"100+1").code == 9
    unparsed = cli("check", "--format", "answers", "--layer", "digits", stdin=b"words")
    assert unparsed.code == 9  # it has no digits to check


def test_check_refuses_a_malformed_row_and_reads_on(cli: Cli) -> None:
    lines = [
        '{"id": "1", "query": "1+2"}',
        '{"id": 2}',
        '{"id": "3", "query": {"a": 1, "a": 2}}',
        "{",
        '{"query": "1+2"}',
    ]
    Path("rows.jsonl").write_text("\n".join(lines))
    ended = cli("check", "--format", "jsonl", "rows.jsonl")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 9
    assert [(row["id"], row["ok"]) for row in rows] == [
        ("1", True),
        (2, False),
        ("3", False),
        ("4", False),
        ("5", True),
    ]
    messages = [row["problems"][0]["message"] for row in rows[1:4]]
    assert messages[0] == "line 2: row has no 'answer'"
    assert messages[1] == "line 3: not strict JSON: duplicate key 'a'"
    assert messages[2].startswith("line 4: not strict JSON: ")


# --- a run ------------------------------------------------------------------------------


def test_generate_shows_counts_and_the_next_command(cli: Cli) -> None:
    ended = cli("generate", "--teacher", "parrot", "--out", "mine", "--set", "teacher.parrot.cut=add 1 and 2")
    assert ended.code == 3
    assert "26 of 27 questions accepted" in ended.out
    assert "truncated" in ended.out
    assert "error: 1 of 27 questions got no complete reply\n" in ended.err
    assert ended.out.endswith(f"run: mine\nnext: {WITH_TOY} train mine\n")
    assert "asking the teacher 27/27" in ended.err


def test_run_without_rows_accepts_other_settings(cli: Cli, project: Path) -> None:
    (project / "q.jsonl").write_text("no row\n")
    assert cli("generate", "--teacher", "parrot", "--out", "mine", "--questions", "q.jsonl").code == 4
    (project / "q.jsonl").write_text('{"question": "add 1 and 3", "answer": "100+3"}\n')  # a check refuses it
    assert cli("generate", "--teacher", "parrot", "--out", "mine", "--questions", "q.jsonl").code == 4
    (project / "r.jsonl").write_text('{"question": "add 1 and 2", "answer": "1+2", "rationale": "both are added"}\n')
    ended = cli("generate", "--teacher", "parrot", "--out", "mine", "--questions", "r.jsonl", "--json")
    assert last_object(ended)["accepted"] == 1
    assert 'questions = "r.jsonl"' in (project / "mine" / "config.toml").read_text()


def test_train_evaluate_predict_trace(cli: Cli, generated: Path) -> None:
    trained = cli("train", "mine", "--student", "memory", "--objective", "plain", "--json")
    assert last_object(trained)["modality"] == "heap"
    assert last_object(trained)["last"] == {"step": 2, "loss": 0.5}
    scores = last_object(cli("evaluate", "mine", "--json"))
    assert {
        "executable_accuracy",
        "ci95",
        "n",
        "unseen_templates",
        "exact_match",
        "silent_error_rate",
        "untrained",
        "nearest_neighbour_accuracy",
        "seconds",
        "peak_memory_bytes",
        "engine",
        "run",
    } <= scores.keys()
    assert scores["executable_accuracy"] == pytest.approx(7 / 13)
    assert (scores["n"], scores["untrained"], scores["unseen_templates"]) == (13, 0.0, None)
    assert (scores["engine"], scores["run"]) == ("abacus 1", "mine")

    traced = last_object(cli("runs", "trace", "mine", "test-add-2-1", "--json"))
    assert set(traced["files"]) >= {"dataset/data/test.jsonl", "predictions.jsonl", "verdicts.jsonl"}
    assert traced["files"]["predictions.jsonl"]["text"] == "1+2"
    text = cli("runs", "trace", "mine", "test-add-2-1").out
    assert "dataset/data/test.jsonl" in text
    assert "  question: add 2 and 1" in text


def test_trained_run_is_trained_again_on_request(cli: Cli, generated: Path) -> None:
    assert cli(*TRAIN).code == 0
    first = manifest()["stages"]["train"]["id"]
    assert cli("train", "mine", "--restart").code == 0
    assert manifest()["stages"]["train"]["id"] != first


@pytest.mark.parametrize("trace", ["status", "checkpoints"])
def test_stopped_second_training_needs_no_restart(cli: Cli, generated: Path, trace: str) -> None:
    """As after Ctrl-C or a kill, with the earlier student still there."""
    assert cli(*TRAIN).code == 0
    if trace == "checkpoints":
        Path("mine/checkpoints").mkdir()
    else:
        Path("mine/run.json").write_text(json.dumps({**manifest(), "status": "train: interrupted"}))
    assert cli("train", "mine").code == 0
    assert cli("train", "mine").code == 2


def test_evaluate_without_its_engine_exits_with_3(cli: Cli, evaluated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "dstill.stages.evaluate.judging.engine_failures",
        lambda verdicts: "the engine could not be asked about 3 of 13 answers",
    )
    ended = cli("evaluate", "mine", "--set", "evaluate.baselines=untrained")
    assert ended.code == 3
    assert "executable accuracy" in ended.out  # the scores are shown all the same
    what, where, hint = ended.err.splitlines()[-3:]
    assert what == "error: this evaluation is invalid: the engine could not be asked about 3 of 13 answers"
    assert where.endswith("verdicts.jsonl")
    assert f"{WITH_TOY} evaluate mine" in hint


def test_evaluate_notes_changed_data(cli: Cli, evaluated: Path) -> None:
    (evaluated.parent / "looks.json").write_text('[{"beads": 10}, {"beads": 12}]')
    ended = cli("evaluate", "mine", "--set", "evaluate.baselines=untrained")
    assert ended.code == 0
    assert ended.err.splitlines()[-1] == "note: while answers ran: beads: 10, now 12; scores are of data that moved"


def test_evaluate_notes_test_splits_that_it_leaves_out(cli: Cli, evaluated: Path) -> None:
    ended = cli("evaluate", "mine", "--split", "train", "--set", "evaluate.baselines=[]")
    assert ended.code == 0
    note = "note: the 13 questions of test were not scored: evaluate.splits does not name it"
    assert ended.err.splitlines()[-1] == note


def test_evaluate_shows_scores_and_baselines(cli: Cli, evaluated: Path) -> None:
    ended = cli("evaluate", "mine", "--set", "evaluate.baselines=untrained")
    assert "executable accuracy in %, run on abacus 1" in ended.out
    assert "53.8 [29.1, 76.8]" in ended.out
    assert "There are no questions in test_unseen_templates." in ended.out
    assert ended.out.endswith(f"next: {WITH_TOY} report mine\n")
    trained = cli("train", "mine", "--restart")
    assert "memory, plain, heap: 2 steps" in trained.out
    assert "13 of 13 parameters trained" in trained.out


def test_student_without_weights_or_loss_shows_neither(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = {"steps": 0, "training_seconds": 0.2, "trained_parameters": 0, "all_parameters": 0, "peak_memory": 0}
    kind = {"student": "nearest", "objective": "plain", "modality": "full", "choice": [], "history": []}
    show_training({**kind, **numbers})
    assert capsys.readouterr().out == "nearest, plain, full: 0 steps in 0 s\n"


def test_predict_answers_a_question(cli: Cli, evaluated: Path) -> None:
    ended = cli("predict", "mine", "add 2 and 1", "--execute")
    assert (ended.code, ended.out) == (0, "1+2\n3\n")
    as_json = last_object(cli("predict", "mine", "add 2 and 1", "--execute", "--json"))
    assert (as_json["answer"], as_json["ok"], as_json["outcome"], as_json["result"]) == ("1+2", True, "ok", 3)


def test_runs_are_listed_shown_and_deleted(cli: Cli, evaluated: Path) -> None:
    assert last_object(cli("runs", "list", "--json")) == {"runs": []}
    assert cli("runs", "list").err.startswith("no runs under ./runs; ")
    evaluated.rename(evaluated.parent / "moved")
    (evaluated.parent / "runs").mkdir()
    (evaluated.parent / "moved").rename(evaluated.parent / "runs" / "mine")
    (evaluated.parent / "runs" / "bad").mkdir()
    (evaluated.parent / "runs" / "bad" / "run.json").write_text("{")
    listed = {r["run"]: r for r in last_object(cli("runs", "list", "--json"))["runs"]}
    assert listed["mine"]["accuracy"] == pytest.approx(7 / 13)
    assert listed["mine"]["status"] == "evaluate: done"
    assert "damaged" in listed["bad"]["status"]
    assert "0.538" in cli("runs", "list").out
    shown = last_object(cli("runs", "show", "mine", "--json"))
    assert shown["files"]["verdicts.jsonl"]["rows"] == 13
    assert "verdicts.jsonl" in cli("runs", "show", "mine").out
    gone = cli("runs", "rm", "mine", "--yes")
    assert (gone.code, gone.err) == (0, "deleted runs/mine\n")
    assert not Path("runs/mine").exists()
    assert Path("replies.sqlite").exists()


def test_demo_prints_the_scores(cli: Cli) -> None:
    ended = cli("demo", "--out", "run", "--json")
    assert ended.code == 0, ended.err
    numbers = last_object(ended)
    assert numbers["executable_accuracy"] == pytest.approx(7 / 13)
    assert numbers["run"] == "run"
    assert numbers["examples"] == {
        "right": {"question": "add 2 and 1", "answer": "1+2", "gold": "2+1"},
        "wrong": [
            {"question": "take 2 from 1", "answer": "2-1", "gold": "1-2"},
            {"question": "take 3 from 1", "answer": "3-1", "gold": "1-3"},
            {"question": "take 3 from 2", "answer": "3-2", "gold": "2-3"},
        ],
    }


def test_demo_shows_an_example_and_next_steps(cli: Cli) -> None:
    Path("dstill.toml").write_text("no TOML: the demo does not read it")
    text = cli("demo").out
    assert (
        "right, answered live: the result is that of the reference answer\n"
        "  question:   add 2 and 1\n  answer:     1+2\n  result:     3\n"
        "wrong, answered live: the reference answer gives something else\n"
        "  question:   take 2 from 1\n  answer:     2-1\n  result:     1\n  gold:       1-2\n  its result: -1\n"
    ) in text
    assert text.splitlines()[-1].startswith("  dstill predict runs/toy-")


def test_demo_says_that_no_answer_is_wrong(cli: Cli) -> None:
    every = ["--set", 'evaluate.splits=["train"]']  # the student has learnt these by heart
    text = cli("demo", "--out", "run", *every).out
    assert "right, answered live" in text
    assert "none of the 13 judged answers of train is wrong\n" in text
    assert last_object(cli("demo", "--out", "run", *every, "--json"))["examples"]["wrong"] == []


def test_demo_trains_another_student_with_its_own_recipe(cli: Cli) -> None:
    Path("other.py").write_text(
        "from dstill import hookimpl\nfrom dstill_plugin_toy import Memorizer\n"
        "class Other(Memorizer):\n    name = 'other'\n"
        "    recipe = {'train.objective': 'plain', 'train.max_steps': 7}\n"
        "@hookimpl\ndef register_students(): yield Other\n"
    )
    for student, steps in (("other", 7), ("memory", -1)):
        ended = cli("--plugin", "other.py", "demo", "--student", student, "--out", student)
        assert ended.code == 0, ended.err
        train = tomllib.loads(Path(student, "config.toml").read_text())["train"]
        assert (train["student"], train["objective"], train["max_steps"]) == (student, "plain", steps)


def test_stopped_demo_continues_in_its_folder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(run: Run, **_: bool) -> None:
        raise Interrupted("stopped", where=str(run.folder), hint="the same command")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "train", stop)
        ended = cli("demo", "--out", "shown")
    assert (ended.code, ended.err.splitlines()[-1]) == (130, "hint: resume with: dstill demo --out shown")
    asked = Path("shown/requests.jsonl").stat().st_mtime_ns
    ended = cli("demo", "--out", "shown")
    assert ended.code == 0, ended.err
    assert set(json.loads(Path("shown/run.json").read_text())["stages"]) == {"generate", "train", "evaluate"}
    assert Path("shown/requests.jsonl").stat().st_mtime_ns == asked  # no question is asked again


def test_demo_stopped_while_it_writes_the_dataset_continues(cli: Cli) -> None:
    assert cli("demo", "--out", "shown").code == 0
    file = Path("shown/run.json")
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "stages": {}}))
    ended = cli("demo", "--out", "shown")
    assert ended.code == 0, ended.err
    assert set(json.loads(file.read_text())["stages"]) == {"generate", "train", "evaluate"}


def test_demo_writes_data_only_to_a_given_server(cli: Cli) -> None:
    """Without one, a later command with --engine-url would ask for permission to write there."""
    assert cli("demo", "--out", "shown").code == 0
    assert "load_data = false" in Path("shown/config.toml").read_text()


def test_new_pack_has_one_name(cli: Cli) -> None:
    assert cli("pack", "new", "duck_sql").code == 0
    project = tomllib.loads(Path("dstill-duck-sql/pyproject.toml").read_text())["project"]
    assert project["name"] == "dstill-duck-sql"
    assert project["entry-points"]["dstill"] == {"duck_sql": "dstill_duck_sql"}
    assert Path("dstill-duck-sql/README.md").read_text().startswith("# dstill-duck-sql\n")


def test_quick_demo_names_its_limits(cli: Cli) -> None:
    ended = cli("demo", "--quick", "--bundled-index", "loud")
    assert ended.code == 0, ended.err
    assert "now" not in ended.err  # the chosen data set is no change of settings
    assert "\nThis was --quick: with less data and fewer steps, the student is less accurate" in ended.out
    kept = next(Path("runs").glob("toy-*/config.toml")).read_text()
    assert "most = 5" in kept
    assert 'prefix = "loud: "' in kept
    assert "--quick:" not in cli("demo").out


def test_predict_warns_of_out_of_distribution_questions(cli: Cli, evaluated: Path) -> None:
    assert last_object(cli("predict", "mine", "add 2 and 1", "--json"))["similarity"] is None  # not known yet
    assert cli("evaluate", "mine").code == 0  # with the nearest question as a baseline
    near = cli("predict", "mine", "add 2 and 1")
    assert (near.code, near.err) == (0, "")
    far = cli("predict", "mine", "wer hat gewonnen", "--json")
    assert last_object(far)["similarity"] == 0
    assert far.err == (
        "warning: no training question is like this one (similarity 0.00, below 0.5): the answer is a guess\n"
    )
    both = cli("predict", "mine", stdin=b"add 2 and 1\nwer hat gewonnen\n")
    assert both.err.startswith("warning: no training question is like 1 of 2 questions (similarity below 0.5)")
    assert "  a guess: no training question is like this one (similarity 0.00)\n" in both.out  # which of the two
    (evaluated / "baselines" / "nearest" / "nearest.json").write_text("{")
    broken = cli("predict", "mine", "add 2 and 1")
    assert (broken.code, broken.out) == (0, "1+2\n")
    assert broken.err.startswith("note: the similarity to the training questions is not known: ")


# --- terminal output --------------------------------------------------------------------


def test_progress_lines_at_start_middle_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress() as report:
        for done in range(1, 101):
            report("counting", done, 100)
        report("looking", 1, 0)
        report("counting", 100, 100)
    assert capsys.readouterr().err == "counting 1/100\ncounting 100/100\nlooking 1\n"


def test_progress_line_has_the_remaining_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 5.0, 30.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(now))
    with console.progress() as report:
        report("training", 10, 4000, "loss 1.2000")
        report("training", 15, 4000, "loss 1.1500")
        report("training", 40, 4000, "12 rows/s, loss 1.1000")
    assert capsys.readouterr().err.splitlines() == [
        "training 10/4000, loss 1.2000",
        "training 40/4000, 12 rows/s, loss 1.1000, 1:06:00 left",
    ]


def test_progress_end_is_printed_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 60.0, 61.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(now))
    with console.progress() as report:
        report("training", 1, 250)
        report("training", 250, 250)
        report("training", 250, 250, "loss 0.1")
        report("training", 250, 250)
    assert capsys.readouterr().err == "training 1/250\ntraining 250/250\n"


@pytest.mark.parametrize(("width", "bar"), [(100, True), (60, False)])
def test_narrow_terminal_shows_numbers_without_a_bar(width: int, bar: bool) -> None:
    """A terminal of that width cuts nothing off."""
    code = """if True:
        from dstill.cli import console
        with console.progress() as report:
            report("training", 1_500, 20_000, "12.5 rows/s, loss 1.1000")
    """
    terminal = {"COLUMNS": str(width), "TERM": "xterm"}
    status, told = in_terminal([sys.executable, "-c", code], drop=["NO_COLOR"], env=terminal)
    assert status == 0
    assert ("━" in told) is bar
    for words in ("training", "1500/20000", "12.5 rows/s, loss 1.1000"):
        assert words in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told)
