"""The task packs of dstill whose bases are made here, with questions that are in no wheel."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dstill.api.records import Example
from dstill_linked.making.data import BaseData

__all__ = ["NAMES", "Pack", "load"]

NAMES = ("plans", "querydsl", "sql")


@dataclass(frozen=True, kw_only=True)
class Pack(BaseData):
    """A task pack of dstill."""

    folder: Path  # of the published base
    held_out: Mapping[str, Callable[[], list[Example]]]  # sets whose questions nobody reads while the base is developed


def load(name: str) -> Pack:
    """The pack of that name, one of `NAMES`."""
    found: Pack = importlib.import_module(f"tools.base.{name}").PACK
    return found
