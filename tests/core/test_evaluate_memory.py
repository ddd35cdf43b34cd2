"""`judged` keeps the verdicts of long evaluations on disk: only those that a metric looks at are in memory."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import pytest

from dstill import config as configuration
from dstill.api.records import Example, Prediction, Score, Verdict
from dstill.factory import Setup
from dstill.io import spool
from dstill.plugins import Plugins, part_sections
from dstill.stages.evaluate.judging import judged

SPLITS = ("test", "test_unseen_templates")
OF_SPLIT = 300
SYSTEMS = ("student", "untrained", "nearest")


def alive() -> int:
    """Verdicts in memory."""
    return sum(isinstance(one, Verdict) for one in gc.get_objects())


def test_verdicts_of_one_split_are_in_memory_at_once(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MEMORY_ITEMS": 20, "BLOCK": 10}.items():
        monkeypatch.setattr(spool, name, value)
    flags = {
        "project.task": "toy",
        "train.objective": "plain",
        "train.student": "memory",
        "evaluate.splits": list(SPLITS),
    }
    setup = Setup(plugins, configuration.load(use_files=False, flags=flags, sections=part_sections(plugins)))
    counts: list[int] = []
    metric = plugins.metric("right")
    scored = metric.__call__

    def counting(self: object, verdicts: Sequence[Verdict]) -> Score:
        counts.append(alive())
        return scored(self, verdicts)  # type: ignore[arg-type]

    monkeypatch.setattr(metric, "__call__", counting)
    examples = [
        Example(id=f"{split}-{n}", question="add 1 and 2", answer="1+2", category="add", split=split)
        for split in SPLITS
        for n in range(OF_SPLIT)
    ]
    written = [Prediction(id=one.id, text="1+2" if n % 3 else "1+9") for n, one in enumerate(examples)]
    before = alive()
    with setup.opened_executor() as executor:
        found = judged(setup, examples, dict.fromkeys(SYSTEMS, written), executor)
    assert max(counts) - before < 2 * OF_SPLIT  # of three systems with two splits each
    assert alive() - before < OF_SPLIT
    assert [verdict.id for verdict in found.verdicts["nearest"]] == [one.id for one in examples]
    assert {system: splits["test"]["right"].value for system, splits in found.scores.items()} == dict.fromkeys(
        SYSTEMS, 2 / 3
    )
