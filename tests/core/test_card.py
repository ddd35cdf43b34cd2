"""The dataset folder, loaded with `datasets`, and its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.offering import offering

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.api.protocols import DataProfile
from dstill.api.records import Example, Record, Usage
from dstill.io.jsonl import write_rows
from dstill.stages.generate.curate import Dataset, DatasetCounts, LabelSource
from dstill.stages.generate.dataset_card import dataset_card, prompt_version
from dstill.teacher.cost import AnnotatorCost, ReplyCost

Cli = Callable[..., Any]
SETS = ("train", "validation", "test", "test_unseen_templates", "test_unseen_data")


def opened(folder: Path, name: str | None = None) -> Any:
    """Load the folder with `datasets`, offline and with a local cache."""
    datasets = pytest.importorskip("datasets")  # absent from `make floors`: it needs newer libraries than dstill

    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), name, cache_dir=str(folder.parent / "cache"))


@pytest.fixture
def run(cli: Cli, project: Path, toy_file: Path) -> Run:
    """A dataset of all five sets, each with contexts and columns of another form."""
    contexts = [
        {"mapping": {"digits": 3}, "data": "2023"},
        {"list": [1, {"a": None}], "data": "2023"},
        {"deep": {"er": [["x"]]}, "data": "2023"},
        {},
        {"data": "2024"},
    ]
    rows = [
        {
            "id": f"{split}-{n}",
            "question": f"add {at + 1} and {n} in {split}",
            "answer": f"{at + 1}+{n}",
            "rationale": "the words say so",
            "context": contexts[at],
            "template": f"{split} {n}",
            "category": "add",
            "split": split,
            f"own {at}": at if n == 1 else None,
        }
        for at, split in enumerate(SETS)
        for n in (1, 2)
    ]
    write_rows(project / "questions.jsonl", rows)
    ended = cli("generate", "--teacher", "synthetic", "--questions", "questions.jsonl", "--out", "mine")
    assert ended.code == 0, ended.err
    return Run.open(project / "mine", plugins=plugin_loading.load([toy_file]))


def test_datasets_loads_every_split_with_text_columns(run: Run) -> None:
    found = opened(run.folder / "dataset")
    assert list(found) == list(SETS)
    for split in SETS:
        types = {name: feature.dtype for name, feature in found[split].features.items()}
        assert types == {"schema_version": "int64", **dict.fromkeys(Record.__dataclass_fields__, "string")}
        assert [Record.from_row(row) for row in found[split]] == list(run.records(split))
    assert found["validation"][0]["context"] == '{"list":[1,{"a":null}],"data":"2023"}'
    assert found["test_unseen_data"][0]["extra"] == '{"own 4":4}'


def test_numeric_answers_stay_text(run: Run) -> None:
    records = [Record(id=str(n), question=str(n), rationale="1", answer=str(n), split="train") for n in range(3)]
    for split in SETS:
        run.write(f"dataset/data/{split}.jsonl", records)
    assert opened(run.folder / "dataset")["train"]["answer"][:] == ["0", "1", "2"]


def test_card_names_the_source_of_rows(run: Run) -> None:
    text = (run.folder / "dataset" / "README.md").read_text()
    for line in (
        "license: unknown",
        "# mine",
        "task `toy`, checked by dstill. Written by the teacher `synthetic`, model `synthetic` (10), except for answers "
        "that came with the questions.",
        f"Prompt version: {prompt_version(run.task)}.",
        "10 of 10 questions were accepted (100.0%), 0 rejected.",
        "| test_unseen_data | 2 |",
        "| add | 10 |",
        "| answer | 3.0 |",
        "| toy | unknown |",
    ):
        assert line in text


def test_card_has_known_cost_and_licences(run: Run) -> None:
    class Licences(DataProfile):
        def licences(self, examples: list[Example]) -> dict[str, str]:
            return {example.id: "CC0-1.0 | of sorts" for example in examples}

    cost = ReplyCost(
        usd=1.5,
        usd_per_row=0.15,
        replies=12,
        tokens=Usage(prompt_tokens=10, completion_tokens=5),
        replies_without_usage=0,
        annotators=AnnotatorCost(usd=20.0, usd_per_hour=40, seconds_per_row=180),
    )
    generated = run.manifest["stages"]["generate"]
    counts = {field.name: generated[field.name] for field in fields(DatasetCounts)}
    dataset = Dataset(
        records=run.records("train"),
        rejections=[],
        counts=DatasetCounts(**{**counts, "rejections": {"truncated": 2}}),
    )
    source = LabelSource(teacher="oracle", models={}, outcomes={})
    text = dataset_card("mine", offering(type(run.task), Licences)(), dataset, source, cost)
    for line in (
        "license: other",
        "cost: $1.50, $0.1500 a row (12 replies, 10 + 5 tokens)",
        "| train-1 | CC0-1.0 \\| of sorts |",
        "| truncated | 2 |",
    ):
        assert line in text


def test_prompt_version_changes_with_instructions(run: Run) -> None:
    class Other(type(run.task)):  # type: ignore[misc]
        instructions = "Answer in French."

    class Newer(type(run.task)):  # type: ignore[misc]
        version = "9"

    versions = {prompt_version(task) for task in (run.task, Other(), Newer())}
    assert len(versions) == 3
    assert any(version.startswith("9, instructions ") for version in versions)
