"""`dstill experiment ablate`: the same records, seeds and items for both arms."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sizes import first_quick

from dstill.api.records import Level, Verdict
from dstill_sweep.comparing import Verdicts, compare_with_each
from dstill_sweep.text import comparison_sentence

Cli = Callable[..., Any]
Trainings = Callable[[], list[str]]


def _last_object(ended: Any) -> dict[str, Any]:
    return dict(json.loads(ended.out.splitlines()[-1]))


@pytest.mark.parametrize(("length", "steps"), first_quick([("train.max_steps=5", 5), ("train.max_steps=-1", 1)]))
def test_both_arms_train_per_seed_at_equal_steps_and_equal_examples(
    length: str, steps: int, forking_cli: Cli, trainings: Trainings, project: Path
) -> None:
    ended = forking_cli("experiment", "ablate", "run", "--seeds", 2, "--jobs", 2, "--set", length, "--json")
    assert ended.code == 0, ended.err
    facts = _last_object(ended)
    assert facts["seeds"] == [0, 1]
    assert {name: len(rows) for name, rows in facts["arms"].items()} == {
        "dss": 2, "label-only, equal steps": 2, "label-only, equal examples": 2
    }  # fmt: skip
    assert len(trainings()) == 6
    assert {name: rows[0]["steps"] for name, rows in facts["arms"].items()} == {
        "dss": steps, "label-only, equal steps": steps, "label-only, equal examples": 2 * steps
    }  # fmt: skip
    # label-only fails on "take … from …", DSS on half of the rest, so the expected scores are known
    row = facts["comparisons"]["label-only, equal steps"]
    verdicts = {
        name: _correct_by_id(project, facts["arms"][name][0]["name"]) for name in ("dss", "label-only, equal steps")
    }
    ids = verdicts["dss"].keys()
    assert row["items"] == len(ids)
    expected = sum(verdicts["dss"][i] - verdicts["label-only, equal steps"][i] for i in ids) / len(ids)
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] <= row["difference"] <= row["high"]


def _correct_by_id(project: Path, trial: str) -> dict[str, int]:
    rows = map(json.loads, (project / "run" / "trials" / trial / "verdicts.jsonl").read_text().splitlines())
    return {row["id"]: int(row["reached"] == 4) for row in rows if not row["trivial"]}


@pytest.mark.nightly
def test_ablation_resumes_keeps_no_weights_and_is_in_the_report(
    forking_cli: Cli, trainings: Trainings, project: Path
) -> None:
    assert forking_cli("experiment", "ablate", "run", "--seeds", 1).code == 0
    ended = forking_cli("experiment", "ablate", "run", "--seeds", 2)
    assert ended.code == 0
    assert len(trainings()) == 6  # three of them existed
    assert "dss against label-only, equal steps:" in ended.out
    assert "the smallest detectable difference is not known" in ended.out  # no item changed
    assert not list((project / "run" / "trials").glob("*/student"))
    assert forking_cli("train", "run").code == 0
    assert forking_cli("evaluate", "run").code == 0
    assert forking_cli("report", "run").code == 0
    assert "Ablation: rationales" in (project / "run" / "report.html").read_text()


def test_failed_trial_is_an_error(forking_cli: Cli) -> None:
    ended = forking_cli("experiment", "ablate", "run", "--seeds", 1, "--set", "train.r=1")
    assert ended.code == 3
    assert "1 of 1 trials failed: the loss is NaN" in ended.err  # the first one: the others depend on it


def test_refuses_a_dataset_without_rationales(forking_cli: Cli, project: Path) -> None:
    file = project / "run" / "dataset" / "data" / "train.jsonl"
    rows = [{**json.loads(line), "rationale": ""} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = forking_cli("experiment", "ablate", "run")
    assert (ended.code, "no training record has a rationale" in ended.err) == (4, True)


def test_open_settings_are_fixed_for_all_arms(forking_cli: Cli, trainings: Trainings, project: Path) -> None:
    open_ = ("train.modality=auto", "train.early_stopping=loss", "train.max_seconds=60")
    ended = forking_cli("experiment", "ablate", "run", "--seeds", 1, *(f"--set={words}" for words in open_))
    assert ended.code == 0, ended.err
    assert [line.split()[0] for line in trainings()] == [
        "part"
    ] * 3  # the modality of DSS: labels alone would fit in `whole`
    assert "all arms: modality part, no early stopping, no time limit" in ended.out
    for trial in (project / "run" / "trials").iterdir():
        train = tomllib.loads((trial / "config.toml").read_text())["train"]
        assert (train["early_stopping"], train["max_seconds"]) == ("none", 0.0)


def _answers(right: int, templates: int) -> Verdicts:
    """Of two seeds on 20 items, of which the first ones are right."""
    rows = [
        Verdict(
            id=f"item-{number}",
            reached=Level.CORRECT if number < right else Level.EXECUTED,
            checked=Level.CORRECT,
            template=f"template-{number % templates}",
        )
        for number in range(20)
    ]
    return [{row.id: row for row in rows}] * 2


@pytest.mark.parametrize(("templates", "told"), [(2, "not distinguishable (p = 0.5, "), (20, "better (p = ")])
def test_arms_are_compared_as_systems_are(templates: int, told: str) -> None:
    arms = {"dss": _answers(12, templates), "label": _answers(0, templates), "other": _answers(2, templates)}
    found = compare_with_each(arms, "dss")["label"]
    assert found.paired.excludes_zero  # the interval alone excludes zero for both
    assert told in comparison_sentence(found.to_row())


def test_three_failed_items_have_no_detectable_difference() -> None:
    row = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": 1.0, "distinguishable": False}
    row |= {"detectable": None, "items": 3, "clusters": 3, "seeds": 1}
    said = comparison_sentence(row)
    assert "not distinguishable" in said
    assert "the smallest detectable difference is not known" in said
    assert "smallest detectable difference is 3.9 points" in comparison_sentence({**row, "detectable": 0.039})
