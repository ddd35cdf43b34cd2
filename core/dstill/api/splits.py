"""The names of a dataset's splits, and the names that they had before.

SPLITS                                   ("train", "validation", "test", "test_unseen_templates", "test_unseen_data")
split_name("test_index", "--split")      "test_unseen_data", and a warning that names it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.io.logs import log

__all__ = ["FORMER_SPLITS", "SPLITS", "split_name", "with_split_names"]

# test: new questions from the templates of the training rows.
# test_unseen_templates: questions from templates that no training row has.
# test_unseen_data: questions about data (`Task.data_key`) that no training row is about.
SPLITS = ("train", "validation", "test", "test_unseen_templates", "test_unseen_data")

FORMER_SPLITS = {"test_templates": "test_unseen_templates", "test_index": "test_unseen_data"}


def split_name(name: str, where: str) -> str:
    """`name`, or the current name of a split that was renamed; then a warning says so.

    `where` says in the warning which option or file has the name.
    """
    new = FORMER_SPLITS.get(name, name)
    if new != name:
        log.warning("the split '%s' is now called '%s' (%s)", name, new, where)
    return new


def with_split_names(row: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `row`, a row of a run's file or a stage's facts, with the current names of splits."""
    renamed = dict(row)
    if isinstance(split := renamed.get("split"), str):
        renamed["split"] = FORMER_SPLITS.get(split, split)
    if isinstance(example := renamed.get("example"), Mapping):
        renamed["example"] = with_split_names(example)
    return renamed
