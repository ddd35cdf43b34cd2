"""`dstill experiment ablate`: the same records, seeds and items for both arms, and an honest verdict."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dstill.api.records import Level, Verdict
from dstill.runs.run import Run
from dstill_sweep.comparing import Verdicts, compare_with_each
from dstill_sweep.sections import sections
from dstill_sweep.text import comparison_sentence

Cli = Callable[..., Any]
Diary = Callable[[], list[str]]


def _last(ended: Any) -> dict[str, Any]:
    return dict(json.loads(ended.out.splitlines()[-1]))


@pytest.mark.parametrize(("length", "steps"), [("train.max_steps=5", 5), ("train.max_steps=-1", 1)])
def test_both_arms_train_by_seeds_at_equal_steps_and_at_equal_examples(
    length: str, steps: int, lab: Cli, diary: Diary, project: Path
) -> None:
    ended = lab("ablate", "run", "--seeds", 2, "--jobs", 2, "--set", length, "--json")
    assert ended.code == 0, ended.err
    facts = _last(ended)
    assert facts["seeds"] == [0, 1]
    assert {name: len(rows) for name, rows in facts["arms"].items()} == {
        "dss": 2, "label-only, equal steps": 2, "label-only, equal examples": 2
    }  # fmt: skip
    assert len(diary()) == 6
    assert {name: rows[0]["steps"] for name, rows in facts["arms"].items()} == {
        "dss": steps, "label-only, equal steps": steps, "label-only, equal examples": 2 * steps
    }  # fmt: skip
    # the learner's label-only knows nothing of "take … from …", DSS half of the rest: what is right is known
    row = facts["comparisons"]["label-only, equal steps"]
    verdicts = {name: _right(project, facts["arms"][name][0]["name"]) for name in ("dss", "label-only, equal steps")}
    ids = verdicts["dss"].keys()
    assert row["items"] == len(ids)
    expected = sum(verdicts["dss"][i] - verdicts["label-only, equal steps"][i] for i in ids) / len(ids)
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] <= row["difference"] <= row["high"]


def _right(project: Path, trial: str) -> dict[str, int]:
    rows = map(json.loads, (project / "run" / "trials" / trial / "verdicts.jsonl").read_text().splitlines())
    return {row["id"]: int(row["reached"] == 4) for row in rows if not row["trivial"]}


def test_it_goes_on_keeps_no_weights_and_comes_into_the_report(lab: Cli, diary: Diary, project: Path) -> None:
    assert lab("ablate", "run", "--seeds", 1).code == 0
    ended = lab("ablate", "run", "--seeds", 2)
    assert ended.code == 0
    assert len(diary()) == 6  # three of them were there
    assert "dss against label-only, equal steps:" in ended.out
    assert "the smallest detectable difference is not known" in ended.out  # no item moved
    assert not list((project / "run" / "trials").glob("*/student"))
    assert lab("train", "run").code == 0
    assert lab("evaluate", "run").code == 0
    assert lab("report", "run").code == 0
    assert "Ablation: rationales" in (project / "run" / "report.html").read_text()


def test_a_trial_that_fails_is_an_error_that_says_so(lab: Cli) -> None:
    ended = lab("ablate", "run", "--seeds", 1, "--set", "train.r=1")
    assert ended.code == 3
    assert "1 of 1 trials failed: the loss is NaN" in ended.err  # the first: the others hang on it


def test_without_rationales_there_is_nothing_to_ablate(lab: Cli, project: Path) -> None:
    file = project / "run" / "dataset" / "data" / "train.jsonl"
    rows = [{**json.loads(line), "rationale": ""} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = lab("ablate", "run")
    assert (ended.code, "no training record has a rationale" in ended.err) == (4, True)


def test_without_the_rationales_weight_there_is_nothing_to_ablate(lab: Cli, diary: Diary) -> None:
    ended = lab("ablate", "run", "--set", "train.label_weight=1")
    assert (ended.code, "DSS learns only labels" in ended.err, diary()) == (2, True, [])


def test_what_the_run_leaves_open_is_the_same_for_all_arms(lab: Cli, diary: Diary, project: Path) -> None:
    open_ = ("train.modality=auto", "train.early_stopping=loss", "train.max_seconds=60")
    ended = lab("ablate", "run", "--seeds", 1, *(f"--set={words}" for words in open_))
    assert ended.code == 0, ended.err
    assert [line.split()[0] for line in diary()] == ["part"] * 3  # what DSS gets: the label alone would fit in `whole`
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
def test_arms_are_told_apart_as_systems_are(templates: int, told: str) -> None:
    arms = {"dss": _answers(12, templates), "label": _answers(0, templates), "other": _answers(2, templates)}
    found = compare_with_each(arms, "dss")["label"]
    assert found.paired.excludes_zero  # the interval alone leaves out zero for both
    assert told in comparison_sentence(found.to_row())


def test_three_items_that_all_failed_claim_no_precision() -> None:
    row = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": 1.0, "distinguishable": False}
    row |= {"detectable": None, "items": 3, "clusters": 3, "seeds": 1}
    said = comparison_sentence(row)
    assert "not distinguishable" in said
    assert "the smallest detectable difference is not known" in said
    assert "smallest detectable difference is 3.9 points" in comparison_sentence({**row, "detectable": 0.039})


def test_an_ablation_of_an_earlier_dstill_is_said_to_be_one() -> None:
    before = SimpleNamespace(manifest={"stages": {"ablate": {"split": "test", "arms": {}, "comparisons": {}}}})
    [section] = sections(cast(Run, before))
    assert "Run `dstill experiment ablate` again" in section.text
