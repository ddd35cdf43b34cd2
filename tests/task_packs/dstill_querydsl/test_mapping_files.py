"""Files that ``[task.querydsl]`` names are data: nothing but a regular file of a usual size is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dstill.errors import DataError
from dstill_querydsl.bundle.indices import LARGEST, configured
from dstill_querydsl.language.mapping.form import MOST_FIELDS


def test_refuses_fifo_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mapping.json")
    with pytest.raises(DataError, match="not a regular file"):
        configured("mine", str(tmp_path / "mapping.json"), "")


def test_refuses_huge_file(tmp_path: Path) -> None:
    with (tmp_path / "mapping.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(DataError, match="larger than 64 mib"):
        configured("mine", str(tmp_path / "mapping.json"), "")


@pytest.mark.parametrize("place", ["fields", "sub-fields", "indices"])
def test_refuses_mapping_with_too_many_fields(tmp_path: Path, place: str) -> None:
    keyword = {"type": "keyword"}
    many = {f"f{n}": keyword for n in range(MOST_FIELDS)}
    mapping: dict[str, Any] = {"properties": {**many, "one": {"type": "text", "fields": {"more": keyword}}}}
    if place == "sub-fields":
        mapping = {"properties": {"object": {"properties": many}}}
    if place == "indices":
        mapping = {"a": {"mappings": {"properties": many}}, "b": {"mappings": {"properties": {"more": keyword}}}}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    with pytest.raises(DataError, match=r"the mapping has 50,00\d fields, and dstill reads at most 50,000"):
        configured("mine", str(tmp_path / "mapping.json"), "")


def test_reads_mapping_with_as_many_fields_as_allowed(tmp_path: Path) -> None:
    fields = {f"f{n}": {"type": "keyword"} for n in range(MOST_FIELDS)}
    index = {"mappings": {"properties": fields}}
    (tmp_path / "mapping.json").write_text(json.dumps({"a": index, "b": index}))
    assert len(configured("mine", str(tmp_path / "mapping.json"), "").mapping["properties"]) == MOST_FIELDS
