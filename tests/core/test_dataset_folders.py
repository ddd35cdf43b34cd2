"""Folders of data sets: which files are read, and in which split their rows are."""

from __future__ import annotations

import contextlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.errors import DataError
from dstill.inputs.dataset_folders import data_files, named
from dstill.inputs.question_files import read_questions


def put(folder: Path, files: dict[str, Any]) -> Path:
    """Files with these texts; a list of questions is a JSONL file."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [json.dumps({"question": question}) for question in content] if isinstance(content, list) else [content]
        file.write_text("\n".join(rows) + "\n")
    return folder


def read(folder: Path) -> dict[str, str]:
    """Question → split."""
    return {one.question: one.split for one in read_questions(folder)}


def test_save_to_disk_is_read_without_the_library(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")  # absent from `make floors`: it needs newer libraries than dstill

    datasets.disable_progress_bars()
    rows = {
        "train": [{"question": "a", "context": {"n": [1, 2]}}, {"question": "b", "context": {"n": [3]}}],
        "dev": [{"question": "c", "context": {"n": []}}],
        "test_unseen_templates": [{"question": "d", "context": {"n": [4]}}],
    }
    whole = datasets.DatasetDict({split: datasets.Dataset.from_list(of_split) for split, of_split in rows.items()})
    whole.save_to_disk(str(tmp_path / "all"), num_shards={"train": 2, "dev": 1, "test_unseen_templates": 1})
    examples = read_questions(tmp_path / "all")
    assert {one.question: (one.split, one.context) for one in examples} == {
        "a": ("train", {"n": [1, 2]}),
        "b": ("train", {"n": [3]}),
        "c": ("validation", {"n": []}),
        "d": ("test_unseen_templates", {"n": [4]}),
    }
    assert {one.id for one in examples if one.split == "train"} == {
        "train-data-00000-of-00002-1",
        "train-data-00001-of-00002-1",
    }
    whole["train"].select([1]).save_to_disk(str(tmp_path / "one"))
    assert read(tmp_path / "one") == {"b": ""}  # nobody has divided it
    whole["train"].to_parquet(str(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet"))
    whole["dev"].to_parquet(str(tmp_path / "hub" / "data" / "validation-00000-of-00001.parquet"))
    assert read(tmp_path / "hub") == {"a": "train", "b": "train", "c": "validation"}


def test_splits_come_from_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path / "words", {"my_train.jsonl": ["a"], "test/0.jsonl": ["b"], "sub/valid/x.jsonl": ["c"]})
    assert read(tmp_path / "words") == {"a": "train", "b": "test", "c": "validation"}
    put(tmp_path / "some", {"train.jsonl": ["a"], "test.jsonl": ["b"], "more.jsonl": ["c"], ".x/train.jsonl": ["d"]})
    assert read(tmp_path / "some") == {"a": "train", "b": "test"}
    assert caplog.messages == ["not read, as their names say no split: more.jsonl"]
    put(tmp_path / "none", {"a.jsonl": ["a"], "b.jsonl": ["b"]})
    assert read(tmp_path / "none") == {"a": "", "b": ""}
    put(tmp_path / "own", {"test_unseen_data.jsonl": ["a"], "train.jsonl": ['b"']})
    assert read(tmp_path / "own") == {"a": "test_unseen_data", 'b"': "train"}


def test_a_split_in_a_row_is_kept(tmp_path: Path) -> None:
    put(tmp_path, {"train.jsonl": '{"question": "a", "split": "test"}\n{"question": "b"}', "test.jsonl": ["c"]})
    assert read(tmp_path) == {"a": "test", "b": "train", "c": "test"}


CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: data/part-*.jsonl
  - split: test
    path: ["held/*.jsonl"]
- config_name: small
  data_files: data/part-1.jsonl
- config_name: whole
  data_dir: held
---
# Mine
"""


def test_the_card_says_which_files(tmp_path: Path) -> None:
    files = {"data/part-1.jsonl": ["a"], "data/part-2.jsonl": ["b"], "held/0.jsonl": ["c"], "held/deep/1.jsonl": ["d"]}
    put(tmp_path, {**files, "README.md": CARD})
    assert read(tmp_path) == {"a": "train", "b": "train", "c": "test"}
    (tmp_path / "README.md").write_text(CARD.replace("default", "large"))
    with pytest.raises(DataError, match="several configurations: large, small, whole"):
        read(tmp_path)
    (tmp_path / "README.md").write_text(CARD.replace("data/part-*.jsonl", "../*.jsonl"))
    with pytest.raises(DataError, match=r"no file matches '\.\./\*\.jsonl', which the card names"):
        read(tmp_path)
    (tmp_path / "README.md").write_text("---\nconfigs: [\n---\n")
    with pytest.raises(DataError, match="the metadata of the card is not valid YAML"):
        read(tmp_path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["data/*.jsonl", "**/*.jsonl", "train", "..", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["config_name", "data_files", "data_dir", "path", "split"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(values, st.sampled_from(["", "train", "x"]))
def test_any_card_gives_files_of_the_folder_or_an_error(configs: Any, config: str) -> None:
    names = ["data/a.jsonl", "data/deep/b.jsonl", "c.csv", "run.py"]
    with contextlib.suppress(DataError):
        assert {one.name for one in named(names, {"configs": configs}, config=config, where="x")} <= set(names[:3])


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("*.jsonl", ["a.jsonl"]),
        ("**/*.jsonl", ["a.jsonl", "data/b.jsonl", "data/deep/c.jsonl"]),
        ("data/**", ["data/b.jsonl", "data/deep/c.jsonl"]),
        ("data/*/?.jsonl", ["data/deep/c.jsonl"]),
        ("**/" * 60 + "x", []),
        ("/a.jsonl", []),
    ],
)
def test_patterns_of_a_card(glob: str, matched: list[str]) -> None:
    names = ["a.jsonl", "data/b.jsonl", "data/deep/c.jsonl"]
    metadata = {"configs": [{"config_name": "x", "data_files": glob}]}
    try:
        assert [one.name for one in named(names, metadata, where="x")] == matched
    except DataError:
        assert matched == []


def test_a_run_gives_its_own_dataset_folder_back(tmp_path: Path) -> None:
    """The front matter that dstill writes."""
    from dstill.stages.generate.dataset_card import COLUMNS, configs

    splits = ["train", "test", "test_unseen_templates"]
    front = "\n".join(["---", *configs({"default": ("data", splits)}, {"default": COLUMNS}), "---", ""])
    put(tmp_path, {"README.md": front, **{f"data/{split}.jsonl": [split] for split in splits}})
    assert read(tmp_path) == {split: split for split in splits}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"data.pkl": "x", "model.bin": "y"}, "no data files: data.pkl, model.bin"),
        ({"mine.py": "import os", "README.md": "# x"}, "no data files: README.md, mine.py"),
        ({}, "no data files: it is empty"),
        ({"a.jsonl": ["a"], "b.csv": "question\nb"}, r"files of several formats \(\.csv, \.jsonl\)"),
        ({"state.json": '{"_data_files": [{"filename": "../x.arrow"}]}'}, "names a file that is not an Arrow file in"),
        ({"state.json": '{"_data_files": [{"filename": "x.pkl"}]}'}, "names a file that is not an Arrow file in its"),
        ({"state.json": "[]"}, "this is not a state of `save_to_disk`"),
        (
            {"state.json": '{"_data_files": [{"filename": "x.arrow"}]}', "x.arrow": ["a"]},
            "detected JSONL, expected",
        ),
    ],
)
def test_folders_that_cannot_be_read(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_questions(put(tmp_path, files))


def test_nothing_in_a_folder_is_run(tmp_path: Path) -> None:
    """A script and a pickle beside the rows: the first would write a file when imported, the second when loaded."""

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    put(tmp_path, {"train.jsonl": ["a"], "mine.py": f"open({str(tmp_path / 'ran')!r}, 'w')"})
    (tmp_path / "train.pkl").write_bytes(pickle.dumps(Bomb()))
    assert [file.shown for file in data_files(tmp_path)] == [f"{tmp_path}/train.jsonl"]
    assert read(tmp_path) == {"a": ""}
    assert not (tmp_path / "ran").exists()


def test_errors_name_the_file_and_two_files_share_no_ids(tmp_path: Path) -> None:
    put(tmp_path, {"train.jsonl": ["a"], "test.jsonl": '{"question": ""}'})
    with pytest.raises(DataError) as caught:
        read_questions(tmp_path)
    assert caught.value.where == f"{tmp_path}/test.jsonl:1"
    put(tmp_path, {"train.jsonl": '{"question": "a", "id": "1"}', "test.jsonl": '{"question": "b", "id": "1"}'})
    with pytest.raises(DataError) as caught:
        read_questions(tmp_path)
    assert caught.value.what.endswith(f"first '1' in rows 1 of {tmp_path}/test.jsonl and 1")
    assert caught.value.where == f"{tmp_path}/train.jsonl:1"
