"""`dstill experiment compare` as a user runs it: two students of one dataset, and refused comparisons."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def runs(cli: Cli, project: Path, once: Callable[..., None]) -> Path:
    """Runs a (knows the words in any order) and b (looks the most similar question up), on one dataset."""

    def build() -> None:
        words = ("generate", "--teacher", "parrot", "--out", "runs/a", "--set", 'evaluate.baselines=["nearest"]')
        (project / "runs").mkdir()
        assert cli(*words).code == 0
        shutil.copytree("runs/a", "runs/b")
        for name, student in (("a", "memory"), ("b", "nearest")):
            assert cli("train", name, "--student", student, "--objective", "plain").code == 0
            assert cli("evaluate", name).code == 0

    once("runs", build)
    return project / "runs"


def facts(ended: Any) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
    return found


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((run / "run.json").read_text())
    change(manifest)
    (run / "run.json").write_text(json.dumps(manifest))


def rows(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    made = [json.loads(line) for line in file.read_text().splitlines()]
    for row in made:
        change(row)
    file.write_text("".join(json.dumps(row) + "\n" for row in made))


def test_gained_items_are_listed_with_both_answers(cli: Cli, runs: Path) -> None:
    found = facts(cli("experiment", "compare", "b", "a", "--json"))
    assert found["engine"] == "abacus 1"
    assert found["arms"]["a"]["test"]["accuracy"]["n"] == found["arms"]["b"]["test"]["accuracy"]["n"] == 13
    (row,) = found["comparisons"]
    assert (row["gained"], row["lost"], row["test"]) == (5, 0, "mcnemar")
    assert row["p"] == row["p_holm"] == pytest.approx(1 / 16)
    assert not row["distinguishable"]
    gained = found["items"]["test"]["a"]["gained"]
    assert [item["correct"] for item in gained] == [{"b": [False], "a": [True]}] * 5
    assert gained[0]["answers"]["a"] == [gained[0]["gold"].replace("2+1", "1+2")]


def test_terminal_says_that_systems_are_not_distinguishable(cli: Cli, runs: Path) -> None:
    told = cli("experiment", "compare", "b", "a").out
    assert "b 13 15.4 [4.3, 42.2]" in " ".join(told.split())
    assert "test: a and b are not distinguishable (exact McNemar test: p = 0.062" in " ".join(told.split())
    assert "gained by a on test (3 of 5; --json has all):" in told
    assert "lost" not in told.splitlines()[-1]


def test_compares_with_a_baseline_of_the_run(cli: Cli, runs: Path) -> None:
    inside, beside = (
        facts(cli("experiment", "compare", "a:nearest", "a", "--json")),
        facts(cli("experiment", "compare", "b", "a", "--json")),
    )
    (one,), (other,) = inside["comparisons"], beside["comparisons"]
    assert {**one, "system": ""} == {**other, "system": ""}


def test_seeds_give_mean_and_deviation(cli: Cli, runs: Path) -> None:
    found = facts(cli("experiment", "compare", "b,a:nearest", "a,b", "--json"))
    (row,) = found["comparisons"]
    assert (row["seeds"], row["test"], row["gained"]) == (2, "permutation", 5)
    shown = found["arms"]["a,b"]["test"]
    assert shown["runs"] == pytest.approx([7 / 13, 2 / 13])
    assert shown["accuracy"]["value"] == pytest.approx(4.5 / 13)
    assert shown["sd"] == pytest.approx(5 / 13 / 2**0.5)
    assert "34.6 ± 27.2 [" in cli("experiment", "compare", "b,a:nearest", "a,b").out


def test_several_comparisons_are_corrected_together(cli: Cli, runs: Path) -> None:
    found = facts(cli("experiment", "compare", "b", "a", "a:nearest", "--json"))
    assert [row["p_holm"] for row in found["comparisons"]] == pytest.approx([1 / 8, 1.0])
    assert "0.12 after Holm's correction" in " ".join(cli("experiment", "compare", "b", "a", "a:nearest").out.split())


def test_rerun_is_byte_identical(cli: Cli, runs: Path) -> None:
    first = cli("experiment", "compare", "b", "a", "--json").out
    assert cli("experiment", "compare", "b", "a", "--json").out == first
    assert cli("evaluate", "a").code == 0
    assert cli("experiment", "compare", "b", "a", "--json").out == first


def test_missing_run_is_refused(cli: Cli, runs: Path) -> None:
    ended = cli("experiment", "compare", "a", "b2", "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["error"]["message"].startswith("no run 'b2'.")


def test_different_items_are_refused_and_named(cli: Cli, runs: Path) -> None:
    def other(row: dict[str, Any]) -> None:
        row["question"] = row["question"].replace("add 2 and 1", "sum 2 and 1")
        row["answer"] = row["answer"].replace("1-2", "2-1")

    rows(runs / "b" / "dataset/data/test.jsonl", other)
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 4
    told = [line.strip() for line in ended.err.splitlines()]
    assert told[0] == "error: these runs cannot be compared: what they were scored on differs"
    assert told[1] == "where: a and b, items of test: the questions of 1 differ (test-add-2-1)"
    assert told[2] == "a and b, items of test: the reference answers of 1 differ (test-take-2-1)"
    assert told[-1] == "hint: evaluate both on one dataset and one engine"


def test_missing_items_are_named(cli: Cli, runs: Path) -> None:
    for file in ("dataset/data/test.jsonl", "verdicts.jsonl"):
        path = runs / "b" / file
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 4
    assert "a and b, items of test: 1 are in a only (test-add-2-1)" in ended.err


def test_different_engine_or_data_is_refused_and_named(cli: Cli, runs: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["stages"]["evaluate"].update(engine="abacus 2", data={"beads": {"count": 6, "digest": "ab"}})

    edit(runs / "a", lambda m: m["stages"]["evaluate"].update(data={"beads": {"count": 5, "digest": "ab"}}))
    edit(runs / "b", change)
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 4
    assert "a and b, engine: abacus 1, and abacus 2" in ended.err
    assert "a and b, data that answers ran on: beads.count: 5, and 6" in ended.err


def test_run_without_scores_is_refused_with_a_hint(cli: Cli, runs: Path) -> None:
    edit(runs / "b", lambda manifest: manifest["stages"].pop("evaluate"))
    ended = cli("experiment", "compare", "a", "b")
    assert (ended.code, ended.err.splitlines()[0]) == (5, "error: run 'b' has no scores yet")


def test_run_of_a_newer_version_is_refused(cli: Cli, runs: Path) -> None:
    edit(runs / "b", lambda manifest: manifest.update(schema_version=99))
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 5
    assert "schema version 99" in ended.err


def test_runs_judged_by_different_plugins_are_not_compared(cli: Cli, runs: Path) -> None:
    judges = [
        [{"name": "core", "distribution": "dstill", "version": "0.1.0"}],
        [{"name": "cheat", "distribution": "", "version": "", "sha256": "3f9a12c4" * 8}],
    ]
    assert "judged by different plugins" not in cli("experiment", "compare", "a", "b").err
    for run, by in zip(("a", "b"), judges, strict=True):
        edit(runs / run, lambda m, by=by: m["stages"]["evaluate"].update(judged_by=by))  # type: ignore[misc]
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 0
    assert (
        "warning: these runs were judged by different plugins: a: core (dstill 0.1.0); b: cheat (file 3f9a12c4)\n"
        in ended.err
    )


def test_changed_pack_gives_a_warning(cli: Cli, runs: Path) -> None:
    assert "versions of a pack" not in cli("experiment", "compare", "a", "b").err
    packs = [{"name": "mine", "distribution": "my-sql", "version": "0.1.0", "sha256": "5c1e07a2" * 8}]
    edit(runs / "b", lambda manifest: manifest["stages"]["evaluate"].update(packs=packs))
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 0
    assert "warning: these runs were judged by different versions of a pack: a: toy (file " in ended.err
    assert "; b: mine (my-sql 0.1.0, files 5c1e07a2)\n" in ended.err


def test_runs_need_a_common_split(cli: Cli, runs: Path) -> None:
    edit(
        runs / "b", lambda manifest: manifest["stages"]["evaluate"].update(scores={"student": {"test_unseen_data": {}}})
    )
    ended = cli("experiment", "compare", "a", "b")
    assert (ended.code, ended.err.splitlines()[0]) == (4, "error: no split was scored in all of these runs")


def test_unexecuted_runs_are_not_compared(cli: Cli, runs: Path) -> None:
    rows(runs / "b" / "verdicts.jsonl", lambda row: row.update(checked=2, reached=2, refused=False))
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 5
    assert "there is nothing to compare" in ended.err


def test_invalid_evaluation_and_different_settings_are_noted(cli: Cli, runs: Path) -> None:
    edit(runs / "b", lambda m: m["stages"]["evaluate"].update(invalid="the engine could not be asked about 2 of 13"))
    config = (runs / "b" / "config.toml").read_text()
    (runs / "b" / "config.toml").write_text(config.replace("most = 9", "most = 8"))
    ended = cli("experiment", "compare", "a", "b")
    assert ended.code == 0
    assert "warning: the evaluation of b is invalid: the engine could not be asked" in ended.err
    assert "note: settings of the task differ" in ended.err
    assert "task.toy.limits.most" in ended.err


def test_foreign_text_cannot_inject_terminal_escapes(cli: Cli, runs: Path) -> None:
    def bidi(row: dict[str, Any]) -> None:
        row["question"] = f"\u202e\x1b[2J{row['question']}"

    for name in ("a", "b"):
        rows(runs / name / "dataset/data/test.jsonl", bidi)
    told = cli("experiment", "compare", "b", "a").out
    assert "\\u202e\\u001b[2J" in told
    assert "\x1b" not in told
