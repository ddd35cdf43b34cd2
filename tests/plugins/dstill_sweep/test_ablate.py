"""`dstill ablate`: the same records, seeds and items for both arms, and a verdict that says what it knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from dstill_sweep.text import verdict

Cli = Callable[..., Any]
Diary = Callable[[], list[str]]


def _last(ended: Any) -> dict[str, Any]:
    return dict(json.loads(ended.out.splitlines()[-1]))


@pytest.mark.parametrize(("length", "twice"), [("train.max_steps=5", 10), ("train.max_steps=-1", None)])
def test_both_arms_train_by_seeds_at_equal_steps_and_at_equal_examples(
    length: str, twice: int | None, lab: Cli, diary: Diary, project: Path
) -> None:
    ended = lab("ablate", "run", "--seeds", 2, "--jobs", 2, "--set", length, "--json")
    assert ended.code == 0, ended.err
    facts = _last(ended)
    assert facts["seeds"] == [0, 1]
    assert {name: len(rows) for name, rows in facts["arms"].items()} == {
        "dss": 2, "label-only, equal steps": 2, "label-only, equal examples": 2
    }  # fmt: skip
    assert len(diary()) == 6
    longer = facts["arms"]["label-only, equal examples"][0]
    changes = longer["changes"]
    assert changes.get("train.max_steps") == twice
    assert changes.get("train.num_train_epochs") == (None if twice else 6.0)
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
    return {row["id"]: int(row["reached"] == 4) for row in rows if not row["vacuous"]}


def test_it_goes_on_keeps_no_weights_and_comes_into_the_report(lab: Cli, diary: Diary, project: Path) -> None:
    assert lab("ablate", "run", "--seeds", 1).code == 0
    ended = lab("ablate", "run", "--seeds", 2)
    assert ended.code == 0
    assert len(diary()) == 6  # three of them were there
    assert "dss against label-only, equal steps:" in ended.out
    assert "how large a difference would show is not known" in ended.out  # no item moved
    assert not list((project / "run" / "trials").glob("*/student"))
    assert lab("train", "run").code == 0
    assert lab("evaluate", "run").code == 0
    assert lab("report", "run").code == 0
    assert "Ablation: rationales" in (project / "run" / "report.html").read_text()


def test_a_trial_that_fails_is_an_error_that_says_so(lab: Cli) -> None:
    ended = lab("ablate", "run", "--seeds", 1, "--set", "train.r=1")
    assert ended.code == 3
    assert "3 of 3 trials failed: the loss is NaN" in ended.err


def test_without_rationales_there_is_nothing_to_ablate(lab: Cli, project: Path) -> None:
    file = project / "run" / "dataset" / "data" / "train.jsonl"
    rows = [{**json.loads(line), "rationale": ""} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = lab("ablate", "run")
    assert (ended.code, "no training record has a rationale" in ended.err) == (4, True)


def test_three_items_that_all_failed_claim_no_precision() -> None:
    row = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "told": False, "detectable": 0.0}
    said = verdict({**row, "items": 3, "clusters": 3, "seeds": 1})
    assert "not distinguishable" in said
    assert "how large a difference would show is not known" in said
    assert "would show is 3.9 points" in verdict({**row, "detectable": 0.039, "items": 3, "clusters": 3, "seeds": 1})
